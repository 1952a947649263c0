"""Asks the models of a pool, and keeps their marks.

``pool, stock of questions -> examiner -> interview per model -> call -> mark -> answers.jsonl``

examiner: Examines all models of a pool.
interview: Asks one model, one question after another.
sheet: The marks so far, and the question that is asked next.
stock: The questions of every kind and level, in an order that all models share.
call: Asks a model one question, and marks the reply.
request: The request that asks a model a question.
estimate: The expected and the highest cost, before anything is asked.
purse: The dollars that may still be spent.
pause: Waits after failures, as long as a backend asks for.
folder: The folder of an examination: its settings and its answers.
answer: A marked answer, a failure, and the end of a model's examination.
"""
