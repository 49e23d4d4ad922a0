import { credentials } from '@grpc/grpc-js';
import { QueueServiceClient } from '@mailyard/contracts/queue';

type Answer = (error: Error | null, response: unknown) => void;

/** Milliseconds that each view of the queue takes to answer over gRPC, a few times each, one after the other. */
export async function askViews(
  grpc: string,
  domain: string,
  rounds: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const client = new QueueServiceClient(grpc, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 64 * 1024 * 1024,
  });
  const views: Readonly<Record<string, (answer: Answer) => void>> = {
    'status, top 20 destinations': (answer) => void client.status({ destinations: 20, local: false }, answer),
    'status of the queues alone': (answer) => void client.status({ destinations: 20, local: true }, answer),
    'a page of destinations': (answer) =>
      void client.listDestinations({ pageSize: 100, pageToken: '', local: false }, answer),
    'a late page of destinations': (answer) =>
      void client.listDestinations({ pageSize: 100, pageToken: '50000', local: false }, answer),
    'a page of recipients': (answer) =>
      void client.listRecipients({ scope: undefined, pageSize: 100, pageToken: '', local: false }, answer),
    'recipients of a domain': (answer) =>
      void client.listRecipients({ domain, scope: undefined, pageSize: 100, pageToken: '', local: false }, answer),
  };
  const times = new Map<string, number[]>();
  try {
    for (const [name, ask] of Object.entries(views)) {
      const took: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const began = performance.now();
        await new Promise<void>((resolve, reject) => ask((error) => (error === null ? resolve() : reject(error))));
        took.push(performance.now() - began);
      }
      times.set(name, took);
    }
  } finally {
    client.close();
  }
  return times;
}
