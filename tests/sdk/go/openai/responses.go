package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
)

var incomplete = map[string]string{
	"max_output_tokens": "length",
	"content_filter":    "content_filter",
}

// The Responses API.
type responsesDriver struct {
	client openai.Client
	asked  request
	found  *shown
	params responses.ResponseNewParams
	output []responses.ResponseOutputItemUnion
	count  int
}

func newResponses(client openai.Client, asked request, found *shown) *responsesDriver {
	params := responses.ResponseNewParams{
		Model:             asked.Model,
		Instructions:      optional(asked.System),
		MaxOutputTokens:   optional(asked.MaxTokens),
		Temperature:       optional(asked.Temperature),
		TopP:              optional(asked.TopP),
		User:              optional(asked.User),
		ParallelToolCalls: optional(asked.Parallel),
		TopLogprobs:       optional(asked.Logprobs),
		Reasoning:         shared.ReasoningParam{Effort: shared.ReasoningEffort(asked.Effort)},
	}
	for _, each := range asked.Messages {
		params.Input.OfInputItemList = append(params.Input.OfInputItemList, inputItems(each)...)
	}
	if asked.ShowReasoning {
		params.Reasoning.Summary = "auto"
	}
	if asked.Logprobs != nil {
		params.Include = []responses.ResponseIncludable{
			responses.ResponseIncludableMessageOutputTextLogprobs,
		}
	}
	if asked.JSONObject {
		params.Text.Format.OfJSONObject = &shared.ResponseFormatJSONObjectParam{}
	}
	if asked.Schema {
		params.Text.Format.OfJSONSchema = &responses.ResponseFormatTextJSONSchemaConfigParam{
			Name: "person", Schema: schema, Strict: openai.Bool(true),
		}
	}
	for _, name := range asked.Tools {
		tool := responses.ToolParamOfFunction(name, parameters, asked.Strict)
		tool.OfFunction.Description = openai.String(descriptions[name])
		params.Tools = append(params.Tools, tool)
	}
	if name, mode := asked.choice(); name != "" {
		params.ToolChoice.OfFunctionTool = &responses.ToolChoiceFunctionParam{Name: name}
	} else if mode != "" {
		params.ToolChoice.OfToolChoiceMode = param.NewOpt(responses.ToolChoiceOptions(mode))
	}
	return &responsesDriver{client: client, asked: asked, found: found, params: params}
}

func (r *responsesDriver) call(ctx context.Context, streams bool) error {
	var reply *http.Response
	if streams {
		return r.stream(ctx)
	}
	response, err := r.client.Responses.New(ctx, r.params, options(r.asked, &reply)...)
	if err != nil {
		return err
	}
	r.found.setRequestID(reply)
	return r.show(response)
}

func (r *responsesDriver) stream(ctx context.Context) error {
	var reply *http.Response
	stream := r.client.Responses.NewStreaming(ctx, r.params, options(r.asked, &reply)...)
	defer func() { _ = stream.Close() }()
	var whole *responses.Response
	for stream.Next() {
		switch event := stream.Current().AsAny().(type) {
		case responses.ResponseTextDeltaEvent:
			if r.found.add(event.Delta, r.asked, &r.count) {
				return nil
			}
		case responses.ResponseCompletedEvent:
			whole = &event.Response
		case responses.ResponseIncompleteEvent:
			whole = &event.Response
		case responses.ResponseFailedEvent:
			return errors.New(event.Response.Error.Message)
		case responses.ResponseErrorEvent:
			return errors.New(event.Message)
		}
	}
	if err := stream.Err(); err != nil {
		return err
	}
	if whole == nil {
		return errors.New("the stream has no end")
	}
	return r.show(whole)
}

func (r *responsesDriver) show(response *responses.Response) error {
	r.output = response.Output
	r.found.Text, r.found.Finish = response.OutputText(), "stop"
	usage := response.Usage
	r.found.Usage = []int64{
		usage.InputTokens, usage.OutputTokens, usage.InputTokensDetails.CachedTokens,
	}
	for _, each := range response.Output {
		switch item := each.AsAny().(type) {
		case responses.ResponseFunctionToolCall:
			call, err := newToolCall(item.CallID, item.Name, item.Arguments)
			if err != nil {
				return err
			}
			r.found.ToolCalls = append(r.found.ToolCalls, call)
		case responses.ResponseReasoningItem:
			for _, part := range item.Summary {
				r.found.Reasoning += part.Text
			}
		case responses.ResponseOutputMessage:
			r.showMessage(item)
		}
	}
	if len(r.found.ToolCalls) > 0 {
		r.found.Finish = "tool_calls"
	} else if r.found.Refusal != "" {
		r.found.Finish = "refusal"
	}
	if response.Status == "incomplete" {
		r.found.Finish = incomplete[string(response.IncompleteDetails.Reason)]
	}
	return r.found.parse(r.asked)
}

func (r *responsesDriver) showMessage(item responses.ResponseOutputMessage) {
	for _, part := range item.Content {
		r.found.Refusal += part.Refusal
		for _, token := range part.Logprobs {
			others := []string{}
			for _, other := range token.TopLogprobs {
				others = append(others, other.Token)
			}
			r.found.Logprobs = append(r.found.Logprobs, []any{token.Token, token.Logprob, others})
		}
	}
}

func (r *responsesDriver) addResults() {
	items := r.params.Input.OfInputItemList
	for _, item := range r.output {
		raw := json.RawMessage(item.RawJSON())
		items = append(items, param.Override[responses.ResponseInputItemUnionParam](raw))
	}
	for _, call := range r.found.ToolCalls {
		items = append(items, callOutput(call.ID, resultOf(call)))
	}
	r.params.Input.OfInputItemList = items
}

func callOutput(callID, output string) responses.ResponseInputItemUnionParam {
	found := responses.ResponseInputItemParamOfFunctionCallOutput(output)
	found.OfFunctionCallOutput.CallID = openai.String(callID)
	return found
}

func inputItems(given message) responses.ResponseInputParam {
	text, parts := given.content()
	if given.Role == "tool" {
		return responses.ResponseInputParam{callOutput(given.ToolCallID, text)}
	}
	role := responses.EasyInputMessageRole(given.Role)
	if parts != nil {
		content := responses.ResponseInputMessageContentListParam{}
		for _, part := range parts {
			for kind, value := range part {
				content = append(content, inputPart(kind, value))
			}
		}
		return responses.ResponseInputParam{responses.ResponseInputItemParamOfMessage(content, role)}
	}
	found := responses.ResponseInputParam{responses.ResponseInputItemParamOfMessage(text, role)}
	for _, call := range given.ToolCalls {
		item := responses.ResponseInputItemParamOfFunctionCall(call[2], call[0], call[1])
		found = append(found, item)
	}
	return found
}

func inputPart(kind, value string) responses.ResponseInputContentUnionParam {
	switch kind {
	case "text":
		return responses.ResponseInputContentUnionParam{
			OfInputText: &responses.ResponseInputTextParam{Text: value},
		}
	case "file":
		return responses.ResponseInputContentUnionParam{
			OfInputFile: &responses.ResponseInputFileParam{
				FileData: openai.String("data:application/pdf;base64," + value),
				Filename: openai.String("x.pdf"),
			},
		}
	case "image":
		value = "data:image/png;base64," + value
	}
	return responses.ResponseInputContentUnionParam{
		OfInputImage: &responses.ResponseInputImageParam{
			Detail: "auto", ImageURL: openai.String(value),
		},
	}
}
