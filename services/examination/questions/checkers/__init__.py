"""Mark a reply: tolerant of its form, strict in its content.

checker: A reply, a verdict, and the interface of a checker.
final_answer: Finds the final answer in a reply.
number_answer: A number.
date_answer: A date.
text_answer: A name, a word or a short text.
list_answer: A list of words.
json_answer: A JSON object.
call_answer: Calls of tools.
fact_answer: Facts that each line has to contain.
instruction_answer: Instructions that a text has to follow.
program_answer: A function that has to pass tests.
sandbox: Runs a model's program with narrow limits.
sandbox_child: The program inside the sandbox.
"""
