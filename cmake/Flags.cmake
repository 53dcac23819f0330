# Flags of every target that is ours. Outside code (blst) is built by its own scripts.
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

add_library(bcemr_flags INTERFACE)
target_compile_options(bcemr_flags INTERFACE
  -O2 -g -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wvla)
# No path of the building machine in what is built.
target_compile_options(bcemr_flags INTERFACE "-ffile-prefix-map=${CMAKE_SOURCE_DIR}/="
  "-ffile-prefix-map=${CMAKE_BINARY_DIR}=.")
if(BCEMR_WERROR)
  target_compile_options(bcemr_flags INTERFACE -Werror)
endif()

if(EMSCRIPTEN)
  # The sandbox is the hardening there; none of the flags below exists.
elseif(BCEMR_SANITIZE)
  set(sanitize -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(bcemr_flags INTERFACE ${sanitize})
  target_link_options(bcemr_flags INTERFACE ${sanitize})
else()
  target_compile_options(bcemr_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
  target_link_options(bcemr_flags INTERFACE LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
endif()

# Rooms that do I/O see POSIX; the others see C11 and nothing else.
add_library(bcemr_posix INTERFACE)
target_compile_definitions(bcemr_posix INTERFACE _POSIX_C_SOURCE=200809L)
