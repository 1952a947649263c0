"""Questions about programs.

- code_output: the output of a program that was made here, and run here.
- code_repair: a function with a fault, marked by tests.
- faulty_functions: the functions, right and with a fault.
"""
