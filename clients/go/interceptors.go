// Copyright 2026 The RouteMoA Authors
// SPDX-License-Identifier: Apache-2.0

package routemoa

import (
	"context"
	"crypto/rand"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

const requestIDKey = "x-request-id"

func unary(where string) grpc.UnaryClientInterceptor {
	return func(
		ctx context.Context, method string, request, response any, connection *grpc.ClientConn,
		invoke grpc.UnaryInvoker, options ...grpc.CallOption,
	) error {
		return typed(invoke(named(ctx), method, request, response, connection, options...), where)
	}
}

func stream(where string) grpc.StreamClientInterceptor {
	return func(
		ctx context.Context, description *grpc.StreamDesc, connection *grpc.ClientConn, method string,
		open grpc.Streamer, options ...grpc.CallOption,
	) (grpc.ClientStream, error) {
		opened, err := open(named(ctx), description, connection, method, options...)
		if err != nil {
			return nil, typed(err, where)
		}
		return typedStream{opened, where}, nil
	}
}

type typedStream struct {
	grpc.ClientStream
	where string
}

func (s typedStream) RecvMsg(message any) error {
	err := s.ClientStream.RecvMsg(message)
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return typed(err, s.where)
}

// named gives a call a request id unless the caller did.
func named(ctx context.Context) context.Context {
	if outgoing, ok := metadata.FromOutgoingContext(ctx); ok && len(outgoing.Get(requestIDKey)) > 0 {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, requestIDKey, rand.Text())
}
