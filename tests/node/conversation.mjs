// A client's talk with the test that runs it: what it asks of a person at a browser, and what became of it in the end.
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** The job that the test has for this client. */
export const job = JSON.parse((await lines.next()).value);

/** Send the browser somewhere; where it ended outside. */
export async function browse(url) {
  process.stdout.write(`${JSON.stringify({ browse: String(url) })}\n`);
  return new URL(JSON.parse((await lines.next()).value));
}

/** Do a part of the job by its name, and tell what it gave, or how the client refused. */
export async function tell(parts) {
  let told;
  try {
    told = { done: await parts[job.part]() };
  } catch (error) {
    told = { failed: `${error.name}: ${error.message} ${error.error ?? error.cause?.error ?? ''} ${error.stack}` };
  }
  process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit(0));
}
