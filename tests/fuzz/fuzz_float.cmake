# SPDX-License-Identifier: MIT
# The sources themselves, so that the fuzzer sees their branches.
find_package(PkgConfig REQUIRED)
pkg_check_modules(OPENBLAS QUIET IMPORTED_TARGET openblas)
if(OPENBLAS_FOUND)
  target_link_libraries(fuzz_float PRIVATE PkgConfig::OPENBLAS m)
else()
  target_include_directories(fuzz_float SYSTEM PRIVATE ${OPENBLAS_INCLUDE})
  target_link_libraries(fuzz_float PRIVATE ${OPENBLAS} m)
endif()
set(src ${PROJECT_SOURCE_DIR}/libqaccel/src)
set(train ${PROJECT_SOURCE_DIR}/libqaccel/train)
target_sources(fuzz_float PRIVATE ${src}/builder.c ${src}/error.c
  ${src}/flatbuffer.c ${src}/flatbuffer_write.c ${src}/graph.c
  ${src}/graph_check.c ${src}/model.c ${src}/quantize.c ${src}/tflite_load.c
  ${src}/tflite_names.c ${src}/tflite_write.c ${src}/type.c
  ${train}/calibrate.c ${train}/convert.c ${train}/convert_weights.c
  ${train}/float_conv.c ${train}/float_model.c ${train}/float_ops.c
  ${train}/float_run.c ${train}/histogram.c ${train}/observer.c)
target_include_directories(fuzz_float PRIVATE ${src} ${train}
  ${PROJECT_SOURCE_DIR}/libqaccel/include ${PROJECT_SOURCE_DIR}/kernels/include)
