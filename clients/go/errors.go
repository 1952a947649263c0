// Copyright 2026 The RouteMoA Authors
// SPDX-License-Identifier: Apache-2.0

package routemoa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	routemoav1 "github.com/routemoa/routemoa/clients/go/routemoa/v1"
)

const domain = "routemoa.v1"

// Error is what every call of a [Client] fails with. Compare it with errors.Is and the Err variables, or get
// its details with errors.As.
type Error struct {
	// Reason is the name of an ErrorReason of the contract, perhaps newer than this client. It is empty where
	// no RouteMoA service said why.
	Reason string
	// Code is the gRPC status code.
	Code codes.Code
	// Message says what happened, for a person. It never holds a query or an answer.
	Message string
	// Metadata is everything variable in the message, for a program.
	Metadata map[string]string
	// Violations are what is wrong with the request, all of it.
	Violations []FieldViolation
	// RetryDelay is the time after which another try is worth it. Zero where the service gave none.
	RetryDelay time.Duration

	cause error
}

// FieldViolation is one thing that is wrong with a request.
type FieldViolation struct {
	// Field is the path of the field, e.g. policy.max_layer_count.
	Field string
	// Description says what is wrong with it.
	Description string
}

// One variable per reason, for errors.Is; error_reason.proto says when each occurs and what its metadata hold.
var (
	ErrInvalidField           = sentinel(routemoav1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	ErrInvalidPageToken       = sentinel(routemoav1.ErrorReason_ERROR_REASON_INVALID_PAGE_TOKEN)
	ErrModelNotFound          = sentinel(routemoav1.ErrorReason_ERROR_REASON_MODEL_NOT_FOUND)
	ErrModelPoolMismatch      = sentinel(routemoav1.ErrorReason_ERROR_REASON_MODEL_POOL_MISMATCH)
	ErrNoEligibleModel        = sentinel(routemoav1.ErrorReason_ERROR_REASON_NO_ELIGIBLE_MODEL)
	ErrOverloaded             = sentinel(routemoav1.ErrorReason_ERROR_REASON_OVERLOADED)
	ErrDraining               = sentinel(routemoav1.ErrorReason_ERROR_REASON_DRAINING)
	ErrGenerationFailed       = sentinel(routemoav1.ErrorReason_ERROR_REASON_GENERATION_FAILED)
	ErrDeadlineTooShort       = sentinel(routemoav1.ErrorReason_ERROR_REASON_DEADLINE_TOO_SHORT)
	ErrAnswerTimedOut         = sentinel(routemoav1.ErrorReason_ERROR_REASON_ANSWER_TIMED_OUT)
	ErrInternal               = sentinel(routemoav1.ErrorReason_ERROR_REASON_INTERNAL)
	ErrBudgetExhausted        = sentinel(routemoav1.ErrorReason_ERROR_REASON_BUDGET_EXHAUSTED)
	ErrUnknownTenant          = sentinel(routemoav1.ErrorReason_ERROR_REASON_UNKNOWN_TENANT)
	ErrBudgetStoreUnavailable = sentinel(routemoav1.ErrorReason_ERROR_REASON_BUDGET_STORE_UNAVAILABLE)
	ErrMissingCapability      = sentinel(routemoav1.ErrorReason_ERROR_REASON_MISSING_CAPABILITY)
	ErrNoValidAnswer          = sentinel(routemoav1.ErrorReason_ERROR_REASON_NO_VALID_ANSWER)
	ErrFeedbackDisabled       = sentinel(routemoav1.ErrorReason_ERROR_REASON_FEEDBACK_DISABLED)
	ErrDecisionNotFound       = sentinel(routemoav1.ErrorReason_ERROR_REASON_DECISION_NOT_FOUND)
	ErrFeedbackLimit          = sentinel(routemoav1.ErrorReason_ERROR_REASON_FEEDBACK_LIMIT)
	// ErrTransport means that no RouteMoA service said why: nobody answered, or not in time.
	ErrTransport error = &Error{}
)

func sentinel(reason routemoav1.ErrorReason) error { return &Error{Reason: reason.String()} }

func (e *Error) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("routemoa: %s: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("routemoa: %s: %s: %s", e.Code, e.Reason, e.Message)
}

// Is tells whether target is the Err variable of this error's reason, or the context's error of its code.
func (e *Error) Is(target error) bool {
	switch {
	case target == context.DeadlineExceeded:
		return e.Code == codes.DeadlineExceeded && e.Reason == ""
	case target == context.Canceled:
		return e.Code == codes.Canceled
	}
	other, ok := target.(*Error)
	return ok && other.Reason == e.Reason
}

// Unwrap returns gRPC's own error, so that status.FromError works.
func (e *Error) Unwrap() error { return e.cause }

// Retryable tells whether the same call may succeed if it is made again, and costs nothing twice.
func (e *Error) Retryable() bool {
	return errors.Is(e, ErrOverloaded) || errors.Is(e, ErrDraining) ||
		errors.Is(e, ErrBudgetStoreUnavailable)
}

// typed turns gRPC's error into an *Error; where names the address and how it is spoken to.
func typed(err error, where string) error {
	if err == nil {
		return nil
	}
	state := status.Convert(err)
	var inner interface{ GRPCStatus() *status.Status }
	if errors.As(err, &inner) {
		state = inner.GRPCStatus() // as the service sent it, without what gRPC wraps around it
	}
	failure := &Error{Code: state.Code(), Message: state.Message(), cause: err}
	for _, detail := range state.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == domain {
				failure.Reason, failure.Metadata = detail.GetReason(), detail.GetMetadata()
			}
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				failure.Violations = append(failure.Violations, FieldViolation{
					Field: violation.GetField(), Description: violation.GetDescription(),
				})
			}
		case *errdetails.RetryInfo:
			failure.RetryDelay = detail.GetRetryDelay().AsDuration()
		}
	}
	if failure.Reason == "" && failure.Code == codes.Unavailable {
		failure.Message = where + ": " + failure.Message
	}
	return failure
}
