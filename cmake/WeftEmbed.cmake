# weft_embed(TARGET SYMBOL FILE): FILE's bytes as `const unsigned char SYMBOL[]` (NUL after the end) and `const size_t
# SYMBOL_size`, compiled into TARGET by the assembler's .incbin, so that a change of the file rebuilds it.
function(weft_embed target symbol file)
	get_filename_component(file ${file} ABSOLUTE)
	set(out ${CMAKE_CURRENT_BINARY_DIR}/embed_${symbol}.S)
	file(CONFIGURE OUTPUT ${out} @ONLY CONTENT [[
.section .rodata
.balign 8
.global @symbol@
.type @symbol@, @object
@symbol@:
.incbin "@file@"
1:
.byte 0
.size @symbol@, . - @symbol@
.balign 8
.global @symbol@_size
.type @symbol@_size, @object
@symbol@_size:
.quad 1b - @symbol@
.size @symbol@_size, 8
.section .note.GNU-stack,"",@progbits
]])
	set_source_files_properties(${out} PROPERTIES OBJECT_DEPENDS ${file})
	target_sources(${target} PRIVATE ${out})
endfunction()
