// Copyright 2026 The RouteMoA Authors
// SPDX-License-Identifier: Apache-2.0

package routemoa_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	routemoa "github.com/routemoa/routemoa/clients/go"
	routemoav1 "github.com/routemoa/routemoa/clients/go/routemoa/v1"
)

// services answer with pages of one model each, an endless stream of events, and an echo of rankings.
type services struct {
	routemoav1.UnimplementedRouterServiceServer
	routemoav1.UnimplementedScorerServiceServer
	listed    atomic.Int64
	cancelled chan struct{}
	feedback  []*routemoav1.RecordFeedbackRequest
}

func (s *services) ListModels(
	_ context.Context, request *routemoav1.ListModelsRequest,
) (*routemoav1.ListModelsResponse, error) {
	s.listed.Add(1)
	page, _ := strconv.Atoi(request.GetPageToken())
	response := &routemoav1.ListModelsResponse{
		Models: []*routemoav1.Model{{ModelId: "model-" + strconv.Itoa(page)}},
	}
	if page < 2 {
		response.NextPageToken = strconv.Itoa(page + 1)
	}
	return response, nil
}

func (s *services) RecordFeedback(
	_ context.Context, request *routemoav1.RecordFeedbackRequest,
) (*routemoav1.RecordFeedbackResponse, error) {
	s.feedback = append(s.feedback, request)
	return &routemoav1.RecordFeedbackResponse{}, nil
}

func (s *services) StreamAnswer(
	_ *routemoav1.StreamAnswerRequest, stream grpc.ServerStreamingServer[routemoav1.StreamAnswerResponse],
) error {
	delta := &routemoav1.StreamAnswerResponse_Delta{Delta: &routemoav1.AnswerDelta{Text: "x"}}
	for stream.Send(&routemoav1.StreamAnswerResponse{Event: delta}) == nil {
		time.Sleep(time.Millisecond)
	}
	<-stream.Context().Done()
	close(s.cancelled)
	return nil
}

func (s *services) StreamRankModels(
	stream grpc.BidiStreamingServer[routemoav1.StreamRankModelsRequest, routemoav1.StreamRankModelsResponse],
) error {
	for index := int64(0); ; index++ {
		if _, err := stream.Recv(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := stream.Send(&routemoav1.StreamRankModelsResponse{RequestIndex: index}); err != nil {
			return err
		}
	}
}

func serve(t *testing.T) (string, *services) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, served := grpc.NewServer(), &services{cancelled: make(chan struct{})}
	routemoav1.RegisterRouterServiceServer(server, served)
	routemoav1.RegisterScorerServiceServer(server, served)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String(), served
}

func start(t *testing.T) (*routemoa.Client, *services) {
	t.Helper()
	address, served := serve(t)
	client, err := routemoa.New(routemoa.Options{Router: address, Scorer: address, Judge: address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client, served
}

func TestTheWholePoolIsListedPageAfterPage(t *testing.T) {
	client, _ := start(t)
	var ids []string
	for model, err := range client.Models(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, model.GetModelId())
	}
	if got := strings.Join(ids, " "); got != "model-0 model-1 model-2" {
		t.Fatalf("models are %q", got)
	}
}

func TestFeedbackHasAnIDOfItsOwnAndIsAUsersUnlessTold(t *testing.T) {
	client, served := start(t)
	short := &routemoav1.RecordFeedbackRequest{DecisionId: "d", Score: proto.Float64(0)}
	whole := &routemoav1.RecordFeedbackRequest{
		DecisionId: "d", FeedbackId: "f", Source: routemoav1.FeedbackSource_FEEDBACK_SOURCE_CHECKER,
		PreferredModelId: "a",
	}
	for _, request := range []*routemoav1.RecordFeedbackRequest{short, short, whole} {
		if _, err := client.RecordFeedback(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	first, second, third := served.feedback[0], served.feedback[1], served.feedback[2]
	if first.FeedbackId == "" || first.FeedbackId == second.FeedbackId || short.FeedbackId != "" {
		t.Fatalf("ids are %q and %q", first.FeedbackId, second.FeedbackId)
	}
	if first.Source != routemoav1.FeedbackSource_FEEDBACK_SOURCE_USER || first.Score == nil {
		t.Fatalf("feedback is %v", first)
	}
	if !proto.Equal(third, whole) {
		t.Fatalf("feedback is %v", third)
	}
}

func TestCallsAreSpreadOverAllAddressesOfAName(t *testing.T) {
	first, one := serve(t)
	second, other := serve(t)
	pods := manual.NewBuilderWithScheme("pods")
	pods.InitialState(resolver.State{Endpoints: []resolver.Endpoint{
		{Addresses: []resolver.Address{{Addr: first}}}, {Addresses: []resolver.Address{{Addr: second}}},
	}})
	client, err := routemoa.New(routemoa.Options{
		Router: "pods:///router", Dial: []grpc.DialOption{grpc.WithResolvers(pods)},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for one.listed.Load() == 0 || other.listed.Load() == 0 {
		if _, err := client.ListModels(ctx, &routemoav1.ListModelsRequest{}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMain sets the proxy before Go reads the environment, which it does once. Calls to loopback never use it.
func TestMain(m *testing.M) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	os.Setenv("HTTPS_PROXY", "http://"+listener.Addr().String())
	os.Unsetenv("NO_PROXY")
	os.Unsetenv("no_proxy")
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			if request, err := http.ReadRequest(bufio.NewReader(connection)); err == nil {
				tunnels.Store(request.Host, true)
			}
			connection.Close()
		}
	}()
	os.Exit(m.Run())
}

// tunnels holds every address that the proxy was asked for.
var tunnels sync.Map

func TestTheEnvironmentsProxyIsUsedOnlyIfAskedFor(t *testing.T) {
	for _, proxy := range []bool{false, true} {
		address := fmt.Sprintf("proxy-%t.invalid:443", proxy)
		client, err := routemoa.New(routemoa.Options{Router: address, Proxy: proxy})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if _, err := client.ListModels(ctx, &routemoav1.ListModelsRequest{}); err == nil {
			t.Fatal("the call succeeded")
		}
		if _, asked := tunnels.Load(address); asked != proxy {
			t.Errorf("with Proxy %t, the proxy was asked: %t", proxy, asked)
		}
	}
}

func TestLeavingAStreamCancelsItOnTheServer(t *testing.T) {
	client, served := start(t)
	request := &routemoav1.StreamAnswerRequest{Messages: []*routemoav1.Message{routemoa.User("Why?")}}
	for event, err := range client.StreamAnswer(t.Context(), request) {
		if err != nil || event.GetDelta().GetText() != "x" {
			t.Fatal(event, err)
		}
		break
	}
	select {
	case <-served.cancelled:
	case <-time.After(5 * time.Second):
		t.Fatal("the server never saw it")
	}
}

func TestACancelledContextIsAnErrorThatEndsTheStream(t *testing.T) {
	client, _ := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var failures []error
	for _, err := range client.StreamAnswer(ctx, &routemoav1.StreamAnswerRequest{}) {
		cancel()
		if err != nil {
			failures = append(failures, err)
		}
	}
	if len(failures) != 1 || !errors.Is(failures[0], context.Canceled) {
		t.Fatalf("failures are %v", failures)
	}
}

func TestMoreQueriesThanTheConnectionHoldsAreRankedInOrder(t *testing.T) {
	client, _ := start(t)
	const count = 400
	request := &routemoav1.StreamRankModelsRequest{
		Request: &routemoav1.RankModelsRequest{Query: strings.Repeat("x", 1000)},
	}
	requests := func(yield func(*routemoav1.StreamRankModelsRequest) bool) {
		for range count {
			if !yield(request) {
				return
			}
		}
	}
	next := int64(0)
	for response, err := range client.StreamRankModels(t.Context(), requests) {
		if err != nil || response.GetRequestIndex() != next {
			t.Fatal(response, err)
		}
		next++
	}
	if next != count {
		t.Fatalf("%d rankings", next)
	}
}

func TestAnErrorIsFoundByItsReasonItsTypeAndItsStatus(t *testing.T) {
	client, err := routemoa.New(routemoa.Options{Router: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, err = client.GenerateAnswer(t.Context(), &routemoav1.GenerateAnswerRequest{})
	if !errors.Is(err, routemoa.ErrTransport) || errors.Is(err, routemoa.ErrInternal) {
		t.Fatalf("error is %v", err)
	}
	var typed *routemoa.Error
	if !errors.As(err, &typed) || !strings.HasPrefix(typed.Message, "127.0.0.1:1 without TLS: ") {
		t.Fatalf("error is %v", err)
	}
	if status.Code(err) != codes.Unavailable {
		t.Fatalf("code is %v", status.Code(err))
	}
}

func TestEveryReasonOfTheContractHasAVariable(t *testing.T) {
	known := []error{
		routemoa.ErrInvalidField, routemoa.ErrInvalidPageToken, routemoa.ErrModelNotFound,
		routemoa.ErrModelPoolMismatch, routemoa.ErrNoEligibleModel, routemoa.ErrOverloaded,
		routemoa.ErrDraining, routemoa.ErrGenerationFailed, routemoa.ErrDeadlineTooShort,
		routemoa.ErrBudgetExhausted, routemoa.ErrUnknownTenant, routemoa.ErrBudgetStoreUnavailable,
		routemoa.ErrAnswerTimedOut, routemoa.ErrInternal,
		routemoa.ErrMissingCapability, routemoa.ErrNoValidAnswer,
		routemoa.ErrFeedbackDisabled, routemoa.ErrDecisionNotFound, routemoa.ErrFeedbackLimit,
	}
	for value, name := range routemoav1.ErrorReason_name {
		found := 0
		for _, variable := range known {
			if errors.Is(&routemoa.Error{Reason: name}, variable) {
				found++
			}
		}
		if want := min(value, 1); found != int(want) { // 0 is never sent
			t.Errorf("%s has %d variables", name, found)
		}
	}
}

func TestATokenNeedsTLSAndACertificateItsKey(t *testing.T) {
	token := func(context.Context) (string, error) { return "s3cret", nil }
	if _, err := routemoa.New(routemoa.Options{Token: token}); err == nil {
		t.Error("a token without TLS was taken")
	}
	if _, err := routemoa.TLSFromFiles("", "client.pem", ""); err == nil {
		t.Error("half a certificate was taken")
	}
	if _, err := routemoa.TLSFromFiles("client_test.go", "", ""); err == nil {
		t.Error("a file without certificates was taken")
	}
}
