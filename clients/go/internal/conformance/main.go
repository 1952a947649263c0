// Copyright 2026 The RouteMoA Authors
// SPDX-License-Identifier: Apache-2.0

// Command conformance drives the client for the conformance suite: it reads calls to make as lines of JSON
// and writes what came of them.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"time"
	"unicode"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	routemoa "github.com/routemoa/routemoa/clients/go"
	routemoav1 "github.com/routemoa/routemoa/clients/go/routemoa/v1"
)

type command struct {
	Method       string            `json:"method"`
	Requests     []json.RawMessage `json:"requests"`
	Address      string            `json:"address"`
	RequestID    string            `json:"request_id"`
	TimeoutMS    int64             `json:"timeout_ms"`
	Gzip         bool              `json:"gzip"`
	Token        string            `json:"token"`
	TokenFailure string            `json:"token_failure"`
	Plaintext    bool              `json:"plaintext_token"`
	Metadata     map[string]string `json:"metadata"`
	StopAfter    int               `json:"stop_after"`
	Repeat       int               `json:"repeat"`
	Security     *struct {
		CAFile          string `json:"ca_file"`
		CertificateFile string `json:"certificate_file"`
		KeyFile         string `json:"key_file"`
	} `json:"security"`
}

type outcome struct {
	Responses []json.RawMessage `json:"responses"`
	Error     *failure          `json:"error"`
	Answer    json.RawMessage   `json:"answer,omitempty"`
}

type failure struct {
	Reason       string            `json:"reason"`
	Code         string            `json:"code"`
	Message      string            `json:"message"`
	Metadata     map[string]string `json:"metadata"`
	Violations   []violation       `json:"violations"`
	RetryDelayMS *int64            `json:"retry_delay_ms"`
	Retryable    bool              `json:"retryable"`
}

type violation struct {
	Field       string `json:"field"`
	Description string `json:"description"`
}

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve answers every line; a client lives until the next one, as its calls may go on.
func serve() error {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	encoder := json.NewEncoder(os.Stdout)
	var client *routemoa.Client
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		var asked command
		if err := json.Unmarshal(line, &asked); err != nil {
			return err
		}
		if client != nil {
			_ = client.Close()
		}
		if client, err = open(asked); err != nil {
			return err
		}
		var streamed routemoa.StreamedAnswer
		responses, err := run(client, asked, &streamed)
		shown := outcome{Responses: responses, Error: failureOf(err), Answer: written(streamed.Answer())}
		if err := encoder.Encode(shown); err != nil {
			return err
		}
	}
}

func open(asked command) (*routemoa.Client, error) {
	options := routemoa.Options{
		Router: asked.Address, Scorer: asked.Address, Judge: asked.Address, Gzip: asked.Gzip,
	}
	if security := asked.Security; security != nil {
		config, err := routemoa.TLSFromFiles(security.CAFile, security.CertificateFile, security.KeyFile)
		if err != nil {
			return nil, err
		}
		options.TLS = config
	}
	options.PlaintextToken = asked.Plaintext
	if asked.Token != "" || asked.TokenFailure != "" {
		number := 0
		options.Token = func(context.Context) (string, error) {
			number++
			if asked.TokenFailure != "" {
				return "", fmt.Errorf("%s %d", asked.TokenFailure, number)
			}
			return fmt.Sprintf("%s %d", asked.Token, number), nil
		}
	}
	return routemoa.New(options)
}

func run(
	client *routemoa.Client, asked command, streamed *routemoa.StreamedAnswer,
) ([]json.RawMessage, error) {
	ctx := metadata.AppendToOutgoingContext(context.Background(), "x-request-id", asked.RequestID)
	for key, value := range asked.Metadata {
		ctx = metadata.AppendToOutgoingContext(ctx, key, value)
	}
	if asked.TimeoutMS > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(asked.TimeoutMS)*time.Millisecond)
		defer cancel()
	}
	switch asked.Method {
	case "StreamAnswer":
		request := read(asked.Requests[0], &routemoav1.StreamAnswerRequest{})
		events := func(yield func(*routemoav1.StreamAnswerResponse, error) bool) {
			for event, err := range client.StreamAnswer(ctx, request) {
				streamed.Add(event)
				if !yield(event, err) {
					return
				}
			}
		}
		return collected(events, asked.StopAfter)
	case "StreamRankModels":
		requests := func(yield func(*routemoav1.StreamRankModelsRequest) bool) {
			for _, text := range asked.Requests {
				if !yield(read(text, &routemoav1.StreamRankModelsRequest{})) {
					return
				}
			}
		}
		return collected(client.StreamRankModels(ctx, requests), asked.StopAfter)
	}
	var response proto.Message
	var err error
	for range max(asked.Repeat, 1) {
		response, err = unary(ctx, client, asked)
	}
	if err != nil {
		return []json.RawMessage{}, err
	}
	return []json.RawMessage{written(response)}, nil
}

func unary(ctx context.Context, client *routemoa.Client, asked command) (proto.Message, error) {
	text := asked.Requests[0]
	switch asked.Method {
	case "RankModels":
		return client.RankModels(ctx, read(text, &routemoav1.RankModelsRequest{}))
	case "BatchRankModels":
		return client.BatchRankModels(ctx, read(text, &routemoav1.BatchRankModelsRequest{}))
	case "GetScorerInfo":
		return client.GetScorerInfo(ctx, read(text, &routemoav1.GetScorerInfoRequest{}))
	case "RouteQuery":
		return client.RouteQuery(ctx, read(text, &routemoav1.RouteQueryRequest{}))
	case "GenerateAnswer":
		return client.GenerateAnswer(ctx, read(text, &routemoav1.GenerateAnswerRequest{}))
	case "GetRouterInfo":
		return client.GetRouterInfo(ctx, read(text, &routemoav1.GetRouterInfoRequest{}))
	case "ListModels":
		return client.ListModels(ctx, read(text, &routemoav1.ListModelsRequest{}))
	case "RecordFeedback":
		return client.RecordFeedback(ctx, read(text, &routemoav1.RecordFeedbackRequest{}))
	case "AssessAnswers":
		return client.AssessAnswers(ctx, read(text, &routemoav1.AssessAnswersRequest{}))
	}
	panic("unknown method " + asked.Method)
}

func collected[T proto.Message](stream iter.Seq2[T, error], stopAfter int) ([]json.RawMessage, error) {
	responses := []json.RawMessage{}
	for response, err := range stream {
		if err != nil {
			return responses, err
		}
		responses = append(responses, written(response))
		if len(responses) == stopAfter {
			break
		}
	}
	return responses, nil
}

func read[T proto.Message](text json.RawMessage, message T) T {
	if err := protojson.Unmarshal(text, message); err != nil {
		panic(err)
	}
	return message
}

func written(message proto.Message) json.RawMessage {
	text, err := protojson.Marshal(message)
	if err != nil {
		panic(err)
	}
	return text
}

func failureOf(err error) *failure {
	if err == nil {
		return nil
	}
	var typed *routemoa.Error
	if !errors.As(err, &typed) {
		panic(fmt.Sprintf("an error without a type: %v", err))
	}
	shown := &failure{
		Reason: typed.Reason, Code: screaming(typed.Code.String()), Message: typed.Message,
		Metadata: typed.Metadata, Violations: []violation{}, Retryable: typed.Retryable(),
	}
	if shown.Metadata == nil {
		shown.Metadata = map[string]string{}
	}
	for _, item := range typed.Violations {
		shown.Violations = append(shown.Violations, violation(item))
	}
	if typed.RetryDelay > 0 {
		delay := typed.RetryDelay.Milliseconds()
		shown.RetryDelayMS = &delay
	}
	return shown
}

// screaming turns DeadlineExceeded into DEADLINE_EXCEEDED.
func screaming(name string) string {
	var text strings.Builder
	for place, letter := range name {
		if place > 0 && unicode.IsUpper(letter) {
			text.WriteByte('_')
		}
		text.WriteRune(unicode.ToUpper(letter))
	}
	return text.String()
}
