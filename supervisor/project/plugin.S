/* The plug-in for pytest, as it is. */
	.section .rodata
	.global outcomes_source
	.hidden outcomes_source
	.global outcomes_source_end
	.hidden outcomes_source_end
outcomes_source:
	.incbin "supervisor/project/outcomes.py"
outcomes_source_end:
	.byte 0
	.section .note.GNU-stack, "", @progbits
