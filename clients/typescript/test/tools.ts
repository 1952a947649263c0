import { RouteMoAClient, argumentsOf, assistant, tool, toolResult, user } from "../src/index.js";

const client = new RouteMoAClient({ router: "127.0.0.1:50052" });
const city = { type: "object", properties: { city: { type: "string" } } };
const options = { tools: [tool("weather", "Tells the weather of a city.", city)] };
const messages = [user("Is it cold in Oslo?")];
for (;;) {
  const { answer } = await client.generateAnswer({ messages, options });
  if (!answer?.toolCalls.length) {
    console.log(answer?.text);
    break;
  }
  messages.push(assistant(answer));
  for (const call of answer.toolCalls) {
    messages.push(toolResult(call, `4 degrees: ${JSON.stringify(argumentsOf(call))}`));
  }
}
client.close();
