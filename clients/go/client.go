// Copyright 2026 The RouteMoA Authors
// SPDX-License-Identifier: Apache-2.0

// Package routemoa is the client of the RouteMoA services, which rank language models for a query before
// running any, and let the best few work together.
//
// [Client] has the methods of the three services. Retries and default timeouts are gRPC's, from the
// embedded service config; a shorter deadline of the context holds. Every failure is an [*Error].
package routemoa

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	routemoav1 "github.com/routemoa/routemoa/clients/go/routemoa/v1"
)

// Client talks to the router, the scorer and the judge. It is safe for concurrent use.
//
// A call carries the x-request-id of its outgoing metadata, or a new one, which appears in the services'
// logs.
type Client struct {
	routemoav1.RouterServiceClient
	routemoav1.ScorerServiceClient
	routemoav1.JudgeServiceClient
	connections map[string]*grpc.ClientConn
}

// New returns a client; it connects on first use. Services of one address share a connection.
func New(options Options) (*Client, error) {
	options = options.withDefaults()
	client := &Client{connections: map[string]*grpc.ClientConn{}}
	for _, address := range []string{options.Router, options.Scorer, options.Judge} {
		if client.connections[address] != nil {
			continue
		}
		connection, err := options.connect(address)
		if err != nil {
			return nil, errors.Join(err, client.Close())
		}
		client.connections[address] = connection
	}
	client.RouterServiceClient = routemoav1.NewRouterServiceClient(client.connections[options.Router])
	client.ScorerServiceClient = routemoav1.NewScorerServiceClient(client.connections[options.Scorer])
	client.JudgeServiceClient = routemoav1.NewJudgeServiceClient(client.connections[options.Judge])
	return client, nil
}

// Close ends the client's calls and connections.
func (c *Client) Close() error {
	var failures []error
	for _, connection := range c.connections {
		failures = append(failures, connection.Close())
	}
	return errors.Join(failures...)
}

// StreamAnswer runs the layers and yields every event; the last one holds the result. An error is yielded
// once and last. Leaving the loop cancels the call. It costs money, so it is never retried.
func (c *Client) StreamAnswer(
	ctx context.Context, request *routemoav1.StreamAnswerRequest, options ...grpc.CallOption,
) iter.Seq2[*routemoav1.StreamAnswerResponse, error] {
	return func(yield func(*routemoav1.StreamAnswerResponse, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := c.RouterServiceClient.StreamAnswer(ctx, request, options...)
		if err != nil {
			yield(nil, err)
			return
		}
		for event, err := range received(stream) {
			if err == nil && event.GetEvent() == nil {
				continue // newer than this client
			}
			if !yield(event, err) {
				return
			}
		}
	}
}

// StreamRankModels yields one ranking or error per request, in order, for any number of requests. They are
// taken from another goroutine, as the scorer has room. Leaving the loop cancels the call.
func (c *Client) StreamRankModels(
	ctx context.Context, requests iter.Seq[*routemoav1.StreamRankModelsRequest], options ...grpc.CallOption,
) iter.Seq2[*routemoav1.StreamRankModelsResponse, error] {
	return func(yield func(*routemoav1.StreamRankModelsResponse, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := c.ScorerServiceClient.StreamRankModels(ctx, options...)
		if err != nil {
			yield(nil, err)
			return
		}
		go func() {
			for request := range requests {
				if stream.Send(request) != nil {
					return // the stream is over; receiving says why
				}
			}
			_ = stream.CloseSend()
		}()
		for response, err := range received(stream) {
			if !yield(response, err) {
				return
			}
		}
	}
}

// RecordFeedback records how good an answer was. If the request has no feedback id, it is sent with a new
// one; if it has no source, as a user's.
func (c *Client) RecordFeedback(
	ctx context.Context, request *routemoav1.RecordFeedbackRequest, options ...grpc.CallOption,
) (*routemoav1.RecordFeedbackResponse, error) {
	whole := proto.CloneOf(request)
	if whole.FeedbackId == "" {
		whole.FeedbackId = rand.Text()
	}
	if whole.Source == routemoav1.FeedbackSource_FEEDBACK_SOURCE_UNSPECIFIED {
		whole.Source = routemoav1.FeedbackSource_FEEDBACK_SOURCE_USER
	}
	return c.RouterServiceClient.RecordFeedback(ctx, whole, options...)
}

// Models yields the whole pool, ordered by model id, page after page.
func (c *Client) Models(ctx context.Context) iter.Seq2[*routemoav1.Model, error] {
	return func(yield func(*routemoav1.Model, error) bool) {
		request := &routemoav1.ListModelsRequest{}
		for {
			page, err := c.ListModels(ctx, request)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, model := range page.GetModels() {
				if !yield(model, nil) {
					return
				}
			}
			if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
				return
			}
		}
	}
}

type receiver[T any] interface{ Recv() (*T, error) }

func received[T any](stream receiver[T]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for {
			message, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(message, err) || err != nil {
				return
			}
		}
	}
}
