# Gives C a stack.
.section .text.start
.globl _start
_start:
  la sp, stack_top
  call main
.bss
.align 4
.space 65536
stack_top:
