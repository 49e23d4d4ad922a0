import { GenericContainer, getContainerRuntimeClient, type StartedNetwork } from 'testcontainers';
import { type ServiceUnit, until } from './service-unit.ts';

export interface ContainerOptions {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Ports inside, each with the one of loopback that leads to it. Fixed, so that they stay when it starts again. */
  readonly ports: readonly { readonly container: number; readonly host: number }[];
  readonly files?: readonly { readonly target: string; readonly content: string }[];
  readonly network?: StartedNetwork;
  readonly alias?: string;
  readonly ready: () => Promise<boolean>;
  readonly readyWithinMs: number;
}

/** A server in a container. The reaper of testcontainers removes it when the test process ends in whatever way. */
export class ContainerUnit implements ServiceUnit {
  readonly #options: ContainerOptions;
  #id: string | undefined;
  #running = false;

  constructor(options: ContainerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    if (this.#running) return;
    if (this.#id === undefined) this.#id = await this.#create();
    else await (await this.#container(this.#id)).start();
    this.#running = true;
    const { ready, readyWithinMs, image } = this.#options;
    await until(ready, readyWithinMs, () => `${image} did not answer in ${readyWithinMs} ms`);
  }

  async stop(): Promise<void> {
    await this.#end('stop');
  }

  async kill(): Promise<void> {
    await this.#end('kill');
  }

  async freeze(): Promise<void> {
    if (this.#id !== undefined) await (await this.#container(this.#id)).pause();
  }

  async thaw(): Promise<void> {
    if (this.#id !== undefined) await (await this.#container(this.#id)).unpause();
  }

  async remove(): Promise<void> {
    if (this.#id !== undefined) await (await this.#container(this.#id)).remove({ force: true, v: true });
    this.#id = undefined;
    this.#running = false;
  }

  async #create(): Promise<string> {
    const { image, command, environment, ports, files, network, alias } = this.#options;
    let container = new GenericContainer(image).withExposedPorts(...ports);
    if (command !== undefined) container = container.withCommand([...command]);
    if (environment !== undefined) container = container.withEnvironment({ ...environment });
    if (files !== undefined) container = container.withCopyContentToContainer([...files]);
    if (network !== undefined) container = container.withNetwork(network);
    if (alias !== undefined) container = container.withNetworkAliases(alias);
    return (await container.start()).getId();
  }

  async #end(how: 'stop' | 'kill'): Promise<void> {
    if (this.#id === undefined || !this.#running) return;
    const container = await this.#container(this.#id);
    await container[how]();
    await container.wait();
    this.#running = false;
  }

  async #container(id: string) {
    return (await getContainerRuntimeClient()).container.getById(id);
  }
}
