# SPDX-License-Identifier: MIT
# The valid commands are those of the interpreter's tests, which need cmocka
# only for its header.
find_package(PkgConfig REQUIRED)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
set(interp_tests ${PROJECT_SOURCE_DIR}/tests/unit/interp)
target_sources(fuzz_interp PRIVATE ${interp_tests}/commands.c)
target_include_directories(fuzz_interp PRIVATE ${interp_tests})
target_link_libraries(fuzz_interp PRIVATE qaccel_core PkgConfig::CMOCKA)
