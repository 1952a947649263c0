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
	request := &routemoav1.StreamAnswerRequest{Messages: routemoa.User("Why is the sky blue?")}
	for event, err := range client.StreamAnswer(ctx, request) {
		if errors.Is(err, routemoa.ErrOverloaded) {
			fmt.Println("try again later")
		} else if err != nil {
			log.Fatal(err)
		}
		fmt.Print(event.GetDelta().GetText())
	}
}
