/**
 * The engine `smtp-server`: the package of that name behind a guard, which is our own receiver. The guard frames and
 * reads all that clients send, and closes what the library leaves open (docs/decisions/0005); the library keeps its own
 * session of each client, unstuffs content and calls the handler.
 */
import {
  type InjectionHandler,
  type InjectionSession,
  type Receiver,
  type ReceiverOptions,
  startReceiver,
} from '@mailyard/smtp-receiver';
import { SMTPServer } from 'smtp-server';
import { LibrarySession } from './library-session.ts';

/**
 * Listens for SMTP, as {@link startReceiver} does.
 *
 * @throws what the system says when the address cannot be had
 */
export async function startSmtpServerReceiver(
  host: string,
  port: number,
  options: ReceiverOptions,
  handler: InjectionHandler,
): Promise<Receiver> {
  const sessions = new Map<string, LibrarySession>();
  /** The same by number: what the library is told as the client's port, and tells its callbacks. */
  const byNumber = new Map<number, LibrarySession>();
  let count = 0;
  const answer = (work: Promise<Error | null>, done: (error?: Error | null) => void): void => {
    work.then(done, () => done(new Error('Local error, try again')));
  };

  const server = new SMTPServer({
    name: options.hostname,
    logger: false,
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onMailFrom: (_address, { remotePort }, done) => answer(byNumber.get(remotePort)!.perform(), done),
    onRcptTo: (_address, { remotePort }, done) => answer(byNumber.get(remotePort)!.perform(), done),
    onData: (stream, { remotePort }, done) => answer(byNumber.get(remotePort)!.receive(stream), done),
    onClose: ({ remotePort }) => void byNumber.delete(remotePort),
  });
  // What the library does not survive ends the one session that it concerns, and no other.
  server.on('error', () => undefined);

  const sessionOf = (session: InjectionSession): LibrarySession => {
    const known = sessions.get(session.icid);
    if (known?.usable === true) return known;
    const made = new LibrarySession(session, handler);
    sessions.set(session.icid, made);
    byNumber.set(++count, made);
    made.connect(server, count);
    return made;
  };

  return startReceiver(host, port, options, {
    connect: (session) => handler.connect(session),
    mail: (session, command) => sessionOf(session).mail(command),
    closed(session) {
      sessions.get(session.icid)?.close();
      sessions.delete(session.icid);
      handler.closed(session);
    },
    secured: (session) => handler.secured?.(session),
    // The guard speaks with the client; the library need not know.
    ...(handler.scramKeys === undefined ? {} : { scramKeys: handler.scramKeys.bind(handler) }),
    ...(handler.judge === undefined ? {} : { judge: handler.judge.bind(handler) }),
    authenticated: (session, mechanism) => handler.authenticated?.(session, mechanism),
    refused: (address, reply) => handler.refused?.(address, reply),
  });
}
