package main

import (
	"context"
	"net/http"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"
)

// Chat completions.
type chat struct {
	client openai.Client
	asked  request
	found  *shown
	params openai.ChatCompletionNewParams
	reply  openai.ChatCompletionMessage
	count  int
}

func newChat(client openai.Client, asked request, found *shown) *chat {
	params := openai.ChatCompletionNewParams{
		Model:               asked.Model,
		MaxCompletionTokens: optional(asked.MaxTokens),
		Temperature:         optional(asked.Temperature),
		TopP:                optional(asked.TopP),
		Seed:                optional(asked.Seed),
		FrequencyPenalty:    optional(asked.FrequencyPenalty),
		PresencePenalty:     optional(asked.PresencePenalty),
		User:                optional(asked.User),
		ParallelToolCalls:   optional(asked.Parallel),
		ReasoningEffort:     shared.ReasoningEffort(asked.Effort),
	}
	if asked.System != nil {
		params.Messages = append(params.Messages, openai.SystemMessage(*asked.System))
	}
	for _, each := range asked.Messages {
		params.Messages = append(params.Messages, chatMessage(each))
	}
	if asked.Stop != nil {
		params.Stop.OfStringArray = asked.Stop
	}
	if asked.Logprobs != nil {
		params.Logprobs = openai.Bool(true)
		params.TopLogprobs = openai.Int(*asked.Logprobs)
	}
	if asked.JSONObject {
		params.ResponseFormat.OfJSONObject = &shared.ResponseFormatJSONObjectParam{}
	}
	if asked.Schema {
		params.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{
			JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{
				Name: "person", Schema: schema, Strict: openai.Bool(true),
			},
		}
	}
	for _, name := range asked.Tools {
		function := shared.FunctionDefinitionParam{
			Name: name, Description: openai.String(descriptions[name]), Parameters: parameters,
		}
		if asked.Strict {
			function.Strict = openai.Bool(true)
		}
		params.Tools = append(params.Tools, openai.ChatCompletionFunctionTool(function))
	}
	if name, mode := asked.choice(); name != "" {
		params.ToolChoice = openai.ToolChoiceOptionFunctionToolChoice(
			openai.ChatCompletionNamedToolChoiceFunctionParam{Name: name},
		)
	} else if mode != "" {
		params.ToolChoice.OfAuto = openai.String(mode)
	}
	return &chat{client: client, asked: asked, found: found, params: params}
}

func (c *chat) call(ctx context.Context, streams bool) error {
	var reply *http.Response
	if streams {
		return c.stream(ctx)
	}
	completion, err := c.client.Chat.Completions.New(ctx, c.params, options(c.asked, &reply)...)
	if err != nil {
		return err
	}
	c.found.setRequestID(reply)
	return c.show(completion)
}

func (c *chat) stream(ctx context.Context) error {
	var reply *http.Response
	params := c.params
	params.StreamOptions.IncludeUsage = openai.Bool(true)
	stream := c.client.Chat.Completions.NewStreaming(ctx, params, options(c.asked, &reply)...)
	defer func() { _ = stream.Close() }()
	whole := openai.ChatCompletionAccumulator{}
	for stream.Next() {
		chunk := stream.Current()
		if !whole.AddChunk(chunk) {
			panic("the chunk does not belong to the stream")
		}
		if len(chunk.Choices) > 0 && c.found.add(chunk.Choices[0].Delta.Content, c.asked, &c.count) {
			return nil
		}
	}
	if err := stream.Err(); err != nil {
		return err
	}
	return c.show(&whole.ChatCompletion)
}

func (c *chat) show(completion *openai.ChatCompletion) error {
	choice, usage := completion.Choices[0], completion.Usage
	c.reply = choice.Message
	c.found.Text, c.found.Refusal = c.reply.Content, c.reply.Refusal
	c.found.Finish = choice.FinishReason
	c.found.Usage = []int64{
		usage.PromptTokens, usage.CompletionTokens, usage.PromptTokensDetails.CachedTokens,
	}
	for _, each := range c.reply.ToolCalls {
		call, err := newToolCall(each.ID, each.Function.Name, each.Function.Arguments)
		if err != nil {
			return err
		}
		c.found.ToolCalls = append(c.found.ToolCalls, call)
	}
	for _, token := range choice.Logprobs.Content {
		others := []string{}
		for _, other := range token.TopLogprobs {
			others = append(others, other.Token)
		}
		c.found.Logprobs = append(c.found.Logprobs, []any{token.Token, token.Logprob, others})
	}
	return c.found.parse(c.asked)
}

func (c *chat) addResults() {
	c.params.Messages = append(c.params.Messages, c.reply.ToParam())
	for _, call := range c.found.ToolCalls {
		c.params.Messages = append(c.params.Messages, openai.ToolMessage(resultOf(call), call.ID))
	}
}

func chatMessage(given message) openai.ChatCompletionMessageParamUnion {
	text, parts := given.content()
	switch given.Role {
	case "tool":
		return openai.ToolMessage(text, given.ToolCallID)
	case "assistant":
		found := openai.AssistantMessage(text)
		for _, call := range given.ToolCalls {
			function := openai.ChatCompletionMessageFunctionToolCallParam{
				ID: call[0],
				Function: openai.ChatCompletionMessageFunctionToolCallFunctionParam{
					Name: call[1], Arguments: call[2],
				},
			}
			found.OfAssistant.ToolCalls = append(
				found.OfAssistant.ToolCalls,
				openai.ChatCompletionMessageToolCallUnionParam{OfFunction: &function},
			)
		}
		return found
	}
	if parts == nil {
		return openai.UserMessage(text)
	}
	found := []openai.ChatCompletionContentPartUnionParam{}
	for _, part := range parts {
		for kind, value := range part {
			found = append(found, chatPart(kind, value))
		}
	}
	return openai.UserMessage(found)
}

func chatPart(kind, value string) openai.ChatCompletionContentPartUnionParam {
	switch kind {
	case "text":
		return openai.TextContentPart(value)
	case "audio":
		return openai.InputAudioContentPart(
			openai.ChatCompletionContentPartInputAudioInputAudioParam{Data: value, Format: "wav"},
		)
	case "file":
		return openai.FileContentPart(openai.ChatCompletionContentPartFileFileParam{
			FileData: openai.String("data:application/pdf;base64," + value),
			Filename: openai.String("x.pdf"),
		})
	case "image":
		value = "data:image/png;base64," + value
	}
	return openai.ImageContentPart(openai.ChatCompletionContentPartImageImageURLParam{URL: value})
}

func optional[T comparable](value *T) param.Opt[T] {
	if value == nil {
		return param.Opt[T]{}
	}
	return param.NewOpt(*value)
}
