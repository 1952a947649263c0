import { ErrorReason, RouteMoAClient, RouteMoAError, user } from "../src/index.js";

const client = new RouteMoAClient({ router: "127.0.0.1:50052" });
const request = { messages: [user("Why is the sky blue?")] };
try {
  for await (const { event } of client.streamAnswer(request, { timeoutMs: 30_000 })) {
    if (event.case === "delta") process.stdout.write(event.value.text);
  }
} catch (error) {
  if (!(error instanceof RouteMoAError)) throw error;
  console.error(ErrorReason[error.reason], error.message);
} finally {
  client.close();
}
