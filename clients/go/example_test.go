// Copyright 2026 The RouteMoA Authors
// SPDX-License-Identifier: Apache-2.0

package routemoa_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	routemoa "github.com/routemoa/routemoa/clients/go"
	routemoav1 "github.com/routemoa/routemoa/clients/go/routemoa/v1"
)

func ExampleClient_StreamAnswer() {
	client, err := routemoa.New(routemoa.Options{Router: "127.0.0.1:50052"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	request := &routemoav1.StreamAnswerRequest{
		Messages: []*routemoav1.Message{routemoa.User("Why is the sky blue?")},
	}
	for event, err := range client.StreamAnswer(ctx, request) {
		if errors.Is(err, routemoa.ErrOverloaded) {
			fmt.Println("try again later")
		} else if err != nil {
			log.Fatal(err)
		}
		fmt.Print(event.GetDelta().GetText())
	}
}

func ExampleClient_GenerateAnswer_tools() {
	client, err := routemoa.New(routemoa.Options{Router: "127.0.0.1:50052"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	weather, err := routemoa.NewTool("weather", "Tells the weather of a city.", map[string]any{
		"type":       "object",
		"properties": map[string]any{"city": map[string]any{"type": "string"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	request := &routemoav1.GenerateAnswerRequest{
		Messages: []*routemoav1.Message{routemoa.User("Is it cold in Oslo?")},
		Options:  &routemoav1.GenerationOptions{Tools: []*routemoav1.Tool{weather}},
	}
	for {
		response, err := client.GenerateAnswer(context.Background(), request)
		if err != nil {
			log.Fatal(err)
		}
		answer := response.GetAnswer()
		if len(answer.GetToolCalls()) == 0 {
			fmt.Println(answer.GetText())
			return
		}
		request.Messages = append(request.Messages, routemoa.Assistant(answer))
		for _, call := range answer.GetToolCalls() {
			var where struct{ City string }
			if err := routemoa.Arguments(call, &where); err != nil {
				log.Fatal(err)
			}
			result := fmt.Sprintf("4 degrees in %s", where.City)
			request.Messages = append(request.Messages, routemoa.ToolResult(call, result))
		}
	}
}
