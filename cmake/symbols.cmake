# SPDX-License-Identifier: MIT
# What a shared library exports, by lists of names: one a line, sorted. A test
# (tests/unit/headers) holds libraries, lists and headers against each other.

# qaccel_export(TARGET NODE LIST [NODE LIST]...): the linker's version script,
# with a node for each list; everything else is local.
function(qaccel_export target)
  set(map ${CMAKE_CURRENT_BINARY_DIR}/${target}.map)
  set(script "")
  set(local "\tlocal: *;\n")
  while(ARGN)
    list(POP_FRONT ARGN node list)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${list})
    file(READ ${list} lines)
    string(REGEX REPLACE "#[^\n]*\n" "" lines "${lines}")
    string(REGEX REPLACE "([a-z0-9_]+)\n" "\t\t\\1;\n" lines "${lines}")
    string(APPEND script "${node} {\n")
    if(lines)
      string(APPEND script "\tglobal:\n${lines}")
    endif()
    string(APPEND script "${local}};\n")
    set(local "")
  endwhile()
  file(CONFIGURE OUTPUT ${map} CONTENT "@script@" @ONLY)
  set_target_properties(${target} PROPERTIES LINK_DEPENDS ${map})
  target_link_options(${target} PRIVATE -Wl,--version-script=${map})
  # Sanitizers leave their symbols to the program.
  if(NOT QACCEL_SANITIZE)
    target_link_options(${target} PRIVATE -Wl,--no-undefined)
  endif()
endfunction()
