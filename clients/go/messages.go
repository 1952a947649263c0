// Copyright 2026 The RouteMoA Authors
// SPDX-License-Identifier: Apache-2.0

package routemoa

import (
	"encoding/json"

	routemoav1 "github.com/routemoa/routemoa/clients/go/routemoa/v1"
)

// System returns instructions for the models.
func System(text string) *routemoav1.Message {
	return &routemoav1.Message{
		Role: routemoav1.Role_ROLE_SYSTEM, Body: &routemoav1.Message_Content{Content: text},
	}
}

// User returns a turn of the user: text, and media or more text after it.
func User(text string, parts ...*routemoav1.MessagePart) *routemoav1.Message {
	message := &routemoav1.Message{Role: routemoav1.Role_ROLE_USER}
	if len(parts) == 0 {
		message.Body = &routemoav1.Message_Content{Content: text}
		return message
	}
	all := append([]*routemoav1.MessagePart{Text(text)}, parts...)
	message.Body = &routemoav1.Message_Parts{Parts: &routemoav1.MessageParts{Parts: all}}
	return message
}

// Assistant returns an answer as a turn of the conversation, with its calls to tools.
func Assistant(answer *routemoav1.Answer) *routemoav1.Message {
	return &routemoav1.Message{
		Role:      routemoav1.Role_ROLE_ASSISTANT,
		Body:      &routemoav1.Message_Content{Content: answer.GetText()},
		ToolCalls: answer.GetToolCalls(),
	}
}

// ToolResult returns the result of a call that a model asked for.
func ToolResult(call *routemoav1.ToolCall, result string) *routemoav1.Message {
	return &routemoav1.Message{
		Role:       routemoav1.Role_ROLE_TOOL,
		Body:       &routemoav1.Message_Content{Content: result},
		ToolCallId: call.GetToolCallId(),
	}
}

// Text returns text as a part of a message.
func Text(text string) *routemoav1.MessagePart {
	return &routemoav1.MessagePart{Part: &routemoav1.MessagePart_Text{Text: text}}
}

// Image returns an image as a part of a message.
func Image(media *routemoav1.Media) *routemoav1.MessagePart {
	return &routemoav1.MessagePart{Part: &routemoav1.MessagePart_Image{Image: media}}
}

// Audio returns speech or sound as a part of a message.
func Audio(media *routemoav1.Media) *routemoav1.MessagePart {
	return &routemoav1.MessagePart{Part: &routemoav1.MessagePart_Audio{Audio: media}}
}

// File returns a document as a part of a message.
func File(media *routemoav1.Media) *routemoav1.MessagePart {
	return &routemoav1.MessagePart{Part: &routemoav1.MessagePart_File{File: media}}
}

// MediaAt returns a medium at a URL, which goes to the models' backends as it is.
func MediaAt(url string) *routemoav1.Media {
	return &routemoav1.Media{Source: &routemoav1.Media_Url{Url: url}}
}

// MediaOf returns a medium by its bytes, e.g. of the type image/png.
func MediaOf(mediaType string, data []byte) *routemoav1.Media {
	return &routemoav1.Media{MediaType: mediaType, Source: &routemoav1.Media_Data{Data: data}}
}

// NewTool returns a tool. The parameters are the JSON schema of its arguments: anything that encodes as one,
// e.g. a map or a json.RawMessage; nil if it has none.
func NewTool(name, description string, parameters any) (*routemoav1.Tool, error) {
	tool := &routemoav1.Tool{Name: name, Description: description}
	if parameters == nil {
		return tool, nil
	}
	schema, err := json.Marshal(parameters)
	tool.ParametersJson = string(schema)
	return tool, err
}

// Arguments stores the arguments of a call in what the pointer points to, as json.Unmarshal does.
func Arguments(call *routemoav1.ToolCall, pointer any) error {
	text := call.GetArgumentsJson()
	if text == "" {
		text = "{}"
	}
	return json.Unmarshal([]byte(text), pointer)
}
