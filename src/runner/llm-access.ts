import type { Gateway } from '../llm/gateway/gateway.ts';
import type { PricedProvider } from '../llm/prices.ts';
import type { Provider } from '../llm/provider.ts';

/** A row of the provider table as this runner can use it. */
export interface ProviderOffer {
  readonly provider: Provider;
  /** Whose API it calls, with our key and through the gateway. Undefined: it calls none. */
  readonly api?: PricedProvider;
}

/** A provider's key, by the name under which all runners know its state. */
export interface ProviderKey {
  /** Provider and which key of it; never the key. */
  readonly credential: string;
  readonly key: string;
}

/** How workers of a runner reach models. */
export interface LlmAccess {
  readonly gateway: Pick<Gateway, 'address' | 'attach'>;
  readonly keys: Readonly<Partial<Record<PricedProvider, ProviderKey>>>;
  /** What is asked where nobody names a model. */
  readonly defaultModels: Readonly<Record<PricedProvider, string>>;
  /** What a program of a repository may ask for: all that has a price. A `*` at the end stands for any rest. */
  readonly models: Readonly<Record<PricedProvider, readonly string[]>>;
  /** Resolves when all that the gateway saw of keys until now is written for everybody. */
  settled(): Promise<void>;
}
