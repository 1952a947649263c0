"""Feedback over HTTP: what a caller says of an answer.

recording: Answers `POST /v1/feedback`.
feedback_request: Reads a request.
"""
