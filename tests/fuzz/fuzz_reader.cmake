# SPDX-License-Identifier: MIT
# The reader's own sources, so that the fuzzer sees their branches.
set(src ${PROJECT_SOURCE_DIR}/libqaccel/src)
set(reader_tests ${PROJECT_SOURCE_DIR}/tests/unit/reader)
target_sources(fuzz_reader PRIVATE ${reader_tests}/tflite_writer.c
  ${src}/error.c ${src}/flatbuffer.c ${src}/flatbuffer_write.c ${src}/graph.c
  ${src}/graph_check.c ${src}/model.c ${src}/tflite_load.c ${src}/tflite_names.c
  ${src}/tflite_write.c ${src}/type.c)
target_include_directories(fuzz_reader PRIVATE ${src} ${reader_tests}
  ${PROJECT_SOURCE_DIR}/libqaccel/include)
target_link_libraries(fuzz_reader PRIVATE m)
