import { useCallback, useEffect, useState } from 'preact/hooks';
import { countPending, readSession } from './api/calls.ts';
import { type Refusal, useSession, whenSignedOut } from './api/client.ts';
import type { PendingCount, Session } from './api/values.ts';
import { Frame } from './frame.tsx';
import { Problem } from './parts/notice.tsx';
import { SignedContext } from './parts/session.ts';
import { FirstAdministratorPage } from './pages/first-administrator.tsx';
import { SignInPage } from './pages/sign-in.tsx';
import { Routing } from './routing.tsx';
import { useAddress } from './parts/address.ts';
import { chooseWords, firstWords, WordsContext } from './words/words.ts';

type State =
  | { readonly kind: 'asking' }
  | { readonly kind: 'away'; readonly problem: Refusal }
  | { readonly kind: 'nobody'; readonly isFirst: boolean; readonly hasEnded: boolean }
  | { readonly kind: 'signed'; readonly session: Session };

const PENDING_MS = 10_000;
const AGAIN_MS = 3_000;

/** The whole page: who is signed in, in which language, and what is pending. */
export function App() {
  const [words, setWords] = useState(firstWords);
  const [state, setState] = useState<State>({ kind: 'asking' });
  const take = useCallback((session: Session) => {
    useSession(session);
    setState({ kind: 'signed', session });
  }, []);
  const ask = useCallback(async () => {
    try {
      take(await readSession());
    } catch (error) {
      const problem = error as Refusal;
      if (problem.status === 401)
        setState({ kind: 'nobody', isFirst: problem.code === 'FIRST_ADMINISTRATOR_NEEDED', hasEnded: false });
      else setState({ kind: 'away', problem });
    }
  }, [take]);
  useEffect(() => {
    whenSignedOut(() => {
      useSession(undefined);
      setState((before) => (before.kind === 'signed' ? { kind: 'nobody', isFirst: false, hasEnded: true } : before));
    });
    void ask();
  }, [ask]);
  useEffect(() => {
    if (state.kind !== 'away') return undefined;
    const timer = setTimeout(() => void ask(), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [state, ask]);
  useEffect(() => {
    document.documentElement.lang = words.language;
  }, [words]);
  const changeLanguage = (): void => setWords(chooseWords(words.otherLanguage.code));
  return (
    <WordsContext.Provider value={words}>
      {state.kind === 'signed' ? (
        <SignedPage
          session={state.session}
          onLanguage={changeLanguage}
          onSignedOut={() => {
            useSession(undefined);
            setState({ kind: 'nobody', isFirst: false, hasEnded: false });
          }}
        />
      ) : (
        <Frame onLanguage={changeLanguage}>
          {state.kind === 'away' ? <Problem problem={state.problem} /> : null}
          {state.kind === 'asking' ? <p class="quiet">{words.common.loading}</p> : null}
          {state.kind === 'nobody' && !state.isFirst ? <SignInPage hasEnded={state.hasEnded} onSigned={take} /> : null}
          {state.kind === 'nobody' && state.isFirst ? <FirstAdministratorPage onSigned={take} /> : null}
        </Frame>
      )}
    </WordsContext.Provider>
  );
}

function SignedPage({
  session,
  onLanguage,
  onSignedOut,
}: {
  readonly session: Session;
  readonly onLanguage: () => void;
  readonly onSignedOut: () => void;
}) {
  const [pending, keepPending] = useState<PendingCount>();
  const [said, setSaid] = useState<{ readonly text: string; readonly at: string }>();
  const address = useAddress();
  const setPending = useCallback((known?: PendingCount) => {
    if (known !== undefined) keepPending(known);
    else countPending().then(keepPending, () => undefined);
  }, []);
  useEffect(() => {
    setPending();
    const timer = setInterval(() => document.hidden || setPending(), PENDING_MS);
    return () => clearInterval(timer);
  }, [setPending]);
  const place = address.path.join('/');
  // What was said on the page before is said once more on the page that it led to, and then no longer.
  const say = useCallback((text: string) => setSaid({ text, at: '' }), []);
  useEffect(() => {
    setSaid((before) => (before === undefined ? before : before.at === '' ? { ...before, at: place } : undefined));
  }, [place]);
  return (
    <SignedContext.Provider value={{ session, pending, setPending, say }}>
      <Frame onLanguage={onLanguage} onSignedOut={onSignedOut} session={session} pending={pending} said={said?.text}>
        <Routing address={address} key={place} />
      </Frame>
    </SignedContext.Provider>
  );
}
