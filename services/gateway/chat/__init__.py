"""OpenAI's chat completions and list of models.

chat_api: The API: reads requests, writes replies.
chat_request: A request -> the call.
chat_messages: Messages -> the conversation.
chat_parts: Parts of a message: text, images, audio and files.
chat_tools: Tools and the form of the answer.
chat_reply: The result -> the reply.
chat_events: Events -> the chunks of a streamed reply.
chat_errors: Errors in OpenAI's form.
model_list: The list of models.
"""
