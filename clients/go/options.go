// Copyright 2026 The RouteMoA Authors
// SPDX-License-Identifier: Apache-2.0

package routemoa

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip" // also makes compressed responses readable
	_ "google.golang.org/grpc/health"      // leaves servers that drain, as the service config asks
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
)

// Version is the version of this package.
const Version = "0.1.0"

// maxResponseBytes is room for every model's answer of every layer; gRPC's own limit is an eighth of it.
const maxResponseBytes = 32 << 20

//go:embed service_config.json
var serviceConfig string

// Options say where the services are and how they are reached. The zero value is a set of services on this
// machine.
type Options struct {
	// Router, Scorer and Judge are addresses, host:port. Empty means 127.0.0.1 and the service's own port.
	Router, Scorer, Judge string
	// TLS encrypts; nil means that nothing is encrypted. TLSFromFiles makes one.
	TLS *tls.Config
	// Token is asked before every call; it travels as "authorization: Bearer ...". Needs TLS. If it fails, the
	// call fails with Unauthenticated and is not tried again.
	Token func(context.Context) (string, error)
	// PlaintextToken lets the token travel without TLS, for networks that encrypt by themselves, as a service
	// mesh does.
	PlaintextToken bool
	// Gzip compresses requests. Compressed responses are always read.
	Gzip bool
	// Proxy uses the proxy of the environment (HTTPS_PROXY, NO_PROXY). Without it, no proxy is used.
	Proxy bool
	// Dial is passed on to gRPC, for instance to trace calls.
	Dial []grpc.DialOption
}

// TLSFromFiles returns a TLS configuration from PEM files. An empty caFile trusts the system's authorities;
// an empty certificateFile and keyFile show the service no certificate.
func TLSFromFiles(caFile, certificateFile, keyFile string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		text, err := os.ReadFile(caFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s holds no certificate", caFile)
		}
	}
	if (certificateFile == "") != (keyFile == "") {
		return nil, errors.New("a certificate and its key are given together or not at all")
	}
	if certificateFile != "" {
		pair, err := tls.LoadX509KeyPair(certificateFile, keyFile)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func (o Options) withDefaults() Options {
	o.Scorer = cmp.Or(o.Scorer, "127.0.0.1:50051")
	o.Router = cmp.Or(o.Router, "127.0.0.1:50052")
	o.Judge = cmp.Or(o.Judge, "127.0.0.1:50053")
	return o
}

func (o Options) connect(address string) (*grpc.ClientConn, error) {
	where := address + " without TLS"
	transport := insecure.NewCredentials()
	if o.TLS != nil {
		where = address + " with TLS"
		transport = credentials.NewTLS(o.TLS)
	}
	calls := []grpc.CallOption{grpc.MaxCallRecvMsgSize(maxResponseBytes)}
	if o.Gzip {
		calls = append(calls, grpc.UseCompressor(gzip.Name))
	}
	if o.Token != nil {
		if o.TLS == nil && !o.PlaintextToken {
			return nil, errors.New("a token needs TLS: it could be read on the way")
		}
		// With calls only: a health watch that asked for a token would hold up all calls when there is none.
		calls = append(calls, grpc.PerRPCCredentials(bearer{token: o.Token, plaintext: o.PlaintextToken}))
	}
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDisableServiceConfig(), // none from DNS
		grpc.WithDefaultCallOptions(calls...),
		grpc.WithUserAgent("routemoa-go/" + Version),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 5 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnection(), MinConnectTimeout: 5 * time.Second}),
		grpc.WithChainUnaryInterceptor(unary(where)),
		grpc.WithChainStreamInterceptor(stream(where)),
	}
	if !o.Proxy {
		dial = append(dial, grpc.WithNoProxy())
	}
	return grpc.NewClient(address, append(dial, o.Dial...)...)
}

// reconnection tries a service that restarts again soon; the default waits up to two minutes.
func reconnection() backoff.Config {
	config := backoff.DefaultConfig
	config.MaxDelay = 2 * time.Second
	return config
}

type bearer struct {
	token     func(context.Context) (string, error)
	plaintext bool
}

func (b bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := b.token(ctx)
	if err != nil {
		return nil, status.Errorf(codes.Unauthenticated, "no token: %v", err)
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return !b.plaintext }
