// Copyright 2026 The RouteMoA Authors
// SPDX-License-Identifier: Apache-2.0

package routemoa_test

import (
	"testing"

	routemoa "github.com/routemoa/routemoa/clients/go"
	routemoav1 "github.com/routemoa/routemoa/clients/go/routemoa/v1"
)

func TestTextAloneIsContentAndWithMediaAPart(t *testing.T) {
	if got := routemoa.User("Why?").GetContent(); got != "Why?" {
		t.Errorf("content is %q", got)
	}
	image := routemoa.Image(routemoa.MediaOf("image/png", []byte("png")))
	parts := routemoa.User("What is it?", image).GetParts().GetParts()
	if len(parts) != 2 || parts[0].GetText() != "What is it?" || string(parts[1].GetImage().GetData()) != "png" {
		t.Errorf("parts are %v", parts)
	}
}

func TestAToolHasItsSchemaAsText(t *testing.T) {
	tool, err := routemoa.NewTool("weather", "", map[string]any{"type": "object"})
	if err != nil || tool.GetParametersJson() != `{"type":"object"}` {
		t.Errorf("tool is %v, error is %v", tool, err)
	}
	if _, err := routemoa.NewTool("weather", "", make(chan int)); err == nil {
		t.Error("a channel is no schema")
	}
}

func TestArgumentsAreReadFromTheModelsText(t *testing.T) {
	var where struct{ City string }
	call := &routemoav1.ToolCall{ToolCallId: "1", ArgumentsJson: `{"city": "Oslo"}`}
	if err := routemoa.Arguments(call, &where); err != nil || where.City != "Oslo" {
		t.Errorf("city is %q, error is %v", where.City, err)
	}
	if err := routemoa.Arguments(&routemoav1.ToolCall{}, &where); err != nil {
		t.Errorf("no arguments are an error: %v", err)
	}
	if err := routemoa.Arguments(&routemoav1.ToolCall{ArgumentsJson: "{"}, &where); err == nil {
		t.Error("half a JSON is no error")
	}
	if id := routemoa.ToolResult(call, "4").GetToolCallId(); id != "1" {
		t.Errorf("the result is of call %q", id)
	}
}

func TestAResetVoidsAStreamedAnswer(t *testing.T) {
	var answer routemoa.StreamedAnswer
	for _, delta := range []*routemoav1.AnswerDelta{
		{Text: "wrong"}, nil, {Text: "ri"}, {Text: "ght"},
	} {
		event := &routemoav1.StreamAnswerResponse{
			Event: &routemoav1.StreamAnswerResponse_Delta{Delta: delta},
		}
		if delta == nil {
			event.Event = &routemoav1.StreamAnswerResponse_Reset_{Reset_: &routemoav1.AnswerReset{}}
		}
		answer.Add(event)
	}
	if text := answer.Answer().GetText(); text != "right" {
		t.Errorf("text is %q", text)
	}
}
