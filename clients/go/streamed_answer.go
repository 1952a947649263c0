// Copyright 2026 The RouteMoA Authors
// SPDX-License-Identifier: Apache-2.0

package routemoa

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	routemoav1 "github.com/routemoa/routemoa/clients/go/routemoa/v1"
)

// StreamedAnswer collects the answer of a stream from its deltas. The zero value is ready.
type StreamedAnswer struct {
	text, refusal, reasoning strings.Builder
	calls                    map[int32]*routemoav1.ToolCall
	logProbabilities         []*routemoav1.TokenLogProbability
	account                  *routemoav1.Answer
}

// Add adds the next event of the stream. Events that say nothing of the answer do no harm.
func (s *StreamedAnswer) Add(event *routemoav1.StreamAnswerResponse) {
	switch kind := event.GetEvent().(type) {
	case *routemoav1.StreamAnswerResponse_Delta:
		s.append(kind.Delta)
	case *routemoav1.StreamAnswerResponse_Reset_:
		*s = StreamedAnswer{}
	case *routemoav1.StreamAnswerResponse_Result:
		s.account = kind.Result.GetAnswer()
	}
}

// Answer returns the answer since the last reset; after the result also with model, counts and scores.
func (s *StreamedAnswer) Answer() *routemoav1.Answer {
	answer := &routemoav1.Answer{}
	if s.account != nil {
		answer = proto.Clone(s.account).(*routemoav1.Answer)
	}
	answer.Text, answer.Refusal = s.text.String(), s.refusal.String()
	answer.Reasoning = s.reasoning.String()
	answer.ToolCalls = nil
	for _, index := range slices.Sorted(maps.Keys(s.calls)) {
		answer.ToolCalls = append(answer.ToolCalls, proto.Clone(s.calls[index]).(*routemoav1.ToolCall))
	}
	answer.LogProbabilities = slices.Clone(s.logProbabilities)
	return answer
}

func (s *StreamedAnswer) append(delta *routemoav1.AnswerDelta) {
	s.text.WriteString(delta.GetText())
	s.refusal.WriteString(delta.GetRefusal())
	s.reasoning.WriteString(delta.GetReasoning())
	s.logProbabilities = append(s.logProbabilities, delta.GetLogProbabilities()...)
	for _, piece := range delta.GetToolCalls() {
		call := s.calls[piece.GetCallIndex()]
		if call == nil {
			if s.calls == nil {
				s.calls = map[int32]*routemoav1.ToolCall{}
			}
			call = &routemoav1.ToolCall{}
			s.calls[piece.GetCallIndex()] = call
		}
		if call.ToolCallId == "" {
			call.ToolCallId = piece.GetToolCallId()
		}
		if call.Name == "" {
			call.Name = piece.GetName()
		}
		call.ArgumentsJson += piece.GetArgumentsJson()
	}
}
