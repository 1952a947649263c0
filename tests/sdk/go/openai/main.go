// Drives OpenAI's Go SDK: a command per line of standard input -> what came of it.
// `driver chat` or `driver responses`.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

const maxLineBytes = 16 << 20

// A call of the caller's tool, as the suite compares it.
type toolCall struct {
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Arguments map[string]any `json:"arguments"`
}

// The outcome, as the SDK showed it to its caller.
type shown struct {
	Text      string         `json:"text"`
	Refusal   string         `json:"refusal"`
	Finish    string         `json:"finish,omitempty"`
	ToolCalls []toolCall     `json:"tool_calls"`
	Usage     []int64        `json:"usage,omitempty"`
	Reasoning string         `json:"reasoning"`
	Logprobs  []any          `json:"logprobs,omitempty"`
	Parsed    map[string]any `json:"parsed,omitempty"`
	Models    []string       `json:"models,omitempty"`
	Left      *bool          `json:"left,omitempty"`
	RequestID string         `json:"request_id,omitempty"`
	Error     map[string]any `json:"error,omitempty"`
}

// A message of a conversation; its content is text or parts.
type message struct {
	Role       string          `json:"role"`
	Content    json.RawMessage `json:"content"`
	ToolCalls  [][3]string     `json:"tool_calls"`
	ToolCallID string          `json:"tool_call_id"`
}

// A request, in the words of cases.json.
type request struct {
	Act              string          `json:"act"`
	Model            string          `json:"model"`
	Messages         []message       `json:"messages"`
	System           *string         `json:"system"`
	MaxTokens        *int64          `json:"max_tokens"`
	Temperature      *float64        `json:"temperature"`
	TopP             *float64        `json:"top_p"`
	Seed             *int64          `json:"seed"`
	FrequencyPenalty *float64        `json:"frequency_penalty"`
	PresencePenalty  *float64        `json:"presence_penalty"`
	User             *string         `json:"user"`
	Stop             []string        `json:"stop"`
	Effort           string          `json:"effort"`
	ShowReasoning    bool            `json:"show_reasoning"`
	Logprobs         *int64          `json:"logprobs"`
	JSONObject       bool            `json:"json_object"`
	Schema           bool            `json:"schema"`
	Tools            []string        `json:"tools"`
	ToolChoice       json.RawMessage `json:"tool_choice"`
	Parallel         *bool           `json:"parallel"`
	Strict           bool            `json:"strict"`
	Loop             bool            `json:"loop"`
	Extra            map[string]any  `json:"extra"`
	StopAfter        int             `json:"stop_after"`
	Key              *string         `json:"key"`
	Retries          int             `json:"retries"`
	TimeoutS         *float64        `json:"timeout_s"`
}

type command struct {
	BaseURL   string  `json:"base_url"`
	Mode      string  `json:"mode"`
	Request   request `json:"request"`
	RequestID string  `json:"request_id"`
}

// A driver of one API: makes a call, then adds its reply and the results of its tools to the request.
type driver interface {
	call(ctx context.Context, streams bool) error
	addResults()
}

var (
	parameters = map[string]any{
		"type":                 "object",
		"properties":           map[string]any{"city": map[string]any{"type": "string"}},
		"required":             []string{"city"},
		"additionalProperties": false,
	}
	schema = map[string]any{
		"type": "object",
		"properties": map[string]any{
			"name": map[string]any{"type": "string"},
			"age":  map[string]any{"type": "integer"},
		},
		"required":             []string{"name", "age"},
		"additionalProperties": false,
	}
	descriptions = map[string]string{"weather": "Tells the weather.", "time": "Tells the time."}
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, maxLineBytes)
	output := json.NewEncoder(os.Stdout)
	output.SetEscapeHTML(false)
	for lines.Scan() {
		var given command
		if err := json.Unmarshal(lines.Bytes(), &given); err != nil {
			panic(err)
		}
		found := &shown{ToolCalls: []toolCall{}}
		if err := run(given, found); err != nil {
			found.Error = described(err)
		}
		if err := output.Encode(found); err != nil {
			panic(err)
		}
	}
}

func run(given command, found *shown) error {
	asked := given.Request
	if asked.Model == "" {
		asked.Model = "routemoa"
	}
	if asked.Messages == nil {
		asked.Messages = []message{{Role: "user", Content: json.RawMessage(`"Hi"`)}}
	}
	key, timeout := "any", time.Minute
	if asked.Key != nil {
		key = *asked.Key
	}
	if asked.TimeoutS != nil {
		timeout = time.Duration(*asked.TimeoutS * float64(time.Second))
	}
	client := openai.NewClient(
		option.WithBaseURL(given.BaseURL+"/v1"),
		option.WithAPIKey(key),
		option.WithMaxRetries(asked.Retries),
		option.WithRequestTimeout(timeout),
		option.WithHeader("x-request-id", given.RequestID),
	)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	switch asked.Act {
	case "models":
		return listModels(ctx, client, found)
	case "model":
		model, err := client.Models.Get(ctx, asked.Model)
		if err == nil {
			found.Models = []string{model.ID}
		}
		return err
	}
	streams := given.Mode == "stream"
	one := newDriver(client, asked, found)
	if err := one.call(ctx, streams); err != nil || !asked.Loop {
		return err
	}
	one.addResults()
	found.Text, found.ToolCalls = "", []toolCall{}
	return one.call(ctx, streams)
}

func newDriver(client openai.Client, asked request, found *shown) driver {
	if os.Args[1] == "chat" {
		return newChat(client, asked, found)
	}
	return newResponses(client, asked, found)
}

func listModels(ctx context.Context, client openai.Client, found *shown) error {
	models := client.Models.ListAutoPaging(ctx)
	for models.Next() {
		found.Models = append(found.Models, models.Current().ID)
	}
	return models.Err()
}

// Describes an error as a caller sees it.
func described(err error) map[string]any {
	found := map[string]any{"class": fmt.Sprintf("%T", err), "status": nil, "says": err.Error()}
	var refused *openai.Error
	switch {
	case errors.As(err, &refused):
		found["status"] = refused.StatusCode
		found["says"] = refused.Message
	case errors.Is(err, context.DeadlineExceeded):
		found["class"] = "context.DeadlineExceeded"
	}
	return found
}

// Adds text of a stream; returns true if it was the last that is wanted.
func (s *shown) add(text string, asked request, count *int) bool {
	s.Text += text
	if asked.StopAfter == 0 || text == "" {
		return false
	}
	*count++
	leaves := *count == asked.StopAfter
	s.Left = &leaves
	return leaves
}

func (s *shown) parse(asked request) error {
	if !asked.Schema {
		return nil
	}
	return json.Unmarshal([]byte(s.Text), &s.Parsed)
}

func (s *shown) setRequestID(reply *http.Response) {
	if reply != nil {
		s.RequestID = reply.Header.Get("x-request-id")
	}
}

func options(asked request, reply **http.Response) []option.RequestOption {
	found := []option.RequestOption{option.WithResponseInto(reply)}
	for name, value := range asked.Extra {
		found = append(found, option.WithJSONSet(name, value))
	}
	return found
}

func newToolCall(id, name, arguments string) (toolCall, error) {
	found := toolCall{ID: id, Name: name}
	return found, json.Unmarshal([]byte(arguments), &found.Arguments)
}

func resultOf(call toolCall) string {
	return fmt.Sprintf("sunny in %v", call.Arguments["city"])
}

// Returns the text of a message, or its parts: a kind and a value each.
func (m message) content() (string, []map[string]string) {
	var text string
	if json.Unmarshal(m.Content, &text) == nil {
		return text, nil
	}
	var parts []map[string]string
	if err := json.Unmarshal(m.Content, &parts); err != nil {
		panic(err)
	}
	return "", parts
}

// Returns the name of the tool that is forced, or the mode of the choice.
func (r request) choice() (name, mode string) {
	if r.ToolChoice == nil || json.Unmarshal(r.ToolChoice, &mode) == nil {
		return "", mode
	}
	var named struct{ Name string }
	if err := json.Unmarshal(r.ToolChoice, &named); err != nil {
		panic(err)
	}
	return named.Name, ""
}
