import { channel } from 'node:diagnostics_channel';
import type { MailEvent } from '@mailyard/queue';

/** The one diagnostics channel on which services say what happens to mail; its payload is a `MailEvent`. */
const MAIL_CHANNEL = 'mailyard:mail';

const mail = channel(MAIL_CHANNEL);

/** Publishes an event; costs next to nothing while nobody listens. */
export function publishMailEvent(event: MailEvent): void {
  if (mail.hasSubscribers) mail.publish(event);
}

/**
 * Listens to mail events.
 *
 * @returns a function that stops listening
 */
export function onMailEvent(listener: (event: MailEvent) => void): () => void {
  const subscriber = (message: unknown): void => listener(message as MailEvent);
  mail.subscribe(subscriber);
  return () => {
    mail.unsubscribe(subscriber);
  };
}
