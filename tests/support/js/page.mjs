// The official OFREP provider for pages, as one bundle that a page loads: `window.tailored` is what tests talk to.
import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";
import { OpenFeature, ProviderEvents } from "@openfeature/web-sdk";

window.tailored = {
  async start(baseUrl, headers, context, pollInterval = -1) {
    await OpenFeature.setContext(context);
    const provider = new OFREPWebProvider({ baseUrl, headers, pollInterval, cacheMode: "disabled" });
    this.changed = new Promise((told) =>
      OpenFeature.addHandler(ProviderEvents.ConfigurationChanged, (details) => told(details.flagsChanged)),
    );
    await OpenFeature.setProviderAndWait(provider);
  },
  async move(context) {
    await OpenFeature.setContext(context);
  },
  details(kind, key, otherwise) {
    return OpenFeature.getClient()[`get${kind}Details`](key, otherwise);
  },
};
