/* The preload library as bytes of this program: one file to install, and always the one that fits. */
	.section .rodata
	.global hear_library
	.hidden hear_library
	.global hear_library_end
	.hidden hear_library_end
	.balign 16
hear_library:
	.incbin SHIM_FILE
hear_library_end:
	.section .note.GNU-stack,"",@progbits
