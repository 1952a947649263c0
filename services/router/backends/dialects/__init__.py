"""Dialects: the requests and replies of each kind of backend.

dialect: The interface of a dialect.
chat_messages: Messages in OpenAI's form.
chat_options: The caller's options in OpenAI's form.
roles: Messages in the roles that a model accepts.
backend_dialects: The dialect of each backend.
openai: Chat completions of OpenAI, vLLM, SGLang, OpenRouter and compatible servers.
openai_reader: Their replies.
openai_usage: The usage in their replies.
tgi: Text Generation Inference, both of its APIs.
llamacpp: The server of llama.cpp.
ollama: Ollama.
ollama_request: Requests to it.
served_models: The models that a server lists.
"""
