import { ErrorReason, RouteMoAClient, RouteMoAError } from "../src/index.js";
import { Role } from "../src/v1.js";

const client = new RouteMoAClient({ router: "127.0.0.1:50052" });
const request = { messages: [{ role: Role.USER, content: "Why is the sky blue?" }] };
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
