"""Feedback over HTTP: the callers' word on answers.

recording: Answers `POST /v1/feedback`.
feedback_request: Reads a request.
"""
