// The official OFREP provider on the OpenFeature server SDK: evaluates what standard input asks for, as JSON.
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { OpenFeature } from "@openfeature/server-sdk";
import { readFileSync } from "node:fs";

const { baseUrl, headers, asked } = JSON.parse(readFileSync(0, "utf8"));
await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl, headers }));
const client = OpenFeature.getClient();
const answers = [];
for (const { kind, key, otherwise, context } of asked) {
  answers.push(await client[`get${kind}Details`](key, otherwise, context));
}
process.stdout.write(JSON.stringify(answers));
await OpenFeature.close();
