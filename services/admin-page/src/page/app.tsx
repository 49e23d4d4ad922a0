import { useCallback, useEffect, useState } from 'preact/hooks';
import { countPending, readSession } from './api/calls.ts';
import { type Refusal, useSession, whenSessionChanges } from './api/client.ts';
import type { PendingCount, Session } from './api/values.ts';
import { Frame } from './frame.tsx';
import { Problem } from './parts/notice.tsx';
import { SignedContext } from './parts/session.ts';
import { FirstAdministratorPage } from './pages/first-administrator.tsx';
import { SignInAgain, SignInPage } from './pages/sign-in.tsx';
import { Routing } from './routing.tsx';
import { useAddress } from './parts/address.ts';
import { chooseWords, firstWords, WordsContext } from './words/words.ts';

type State =
  | { readonly kind: 'asking' }
  | { readonly kind: 'away'; readonly problem: Refusal }
  | { readonly kind: 'nobody'; readonly isFirst: boolean }
  /** Ended: the page waits with what was typed into it until the same user has signed in again. */
  | { readonly kind: 'signed'; readonly session: Session; readonly hasEnded: boolean };

const PENDING_MS = 10_000;
const AGAIN_MS = 3_000;

/** The whole page: who is signed in, in which language, and what is pending. */
export function App() {
  const [words, setWords] = useState(firstWords);
  const [state, setState] = useState<State>({ kind: 'asking' });
  const take = useCallback((session: Session) => {
    useSession(session);
    setState({ kind: 'signed', session, hasEnded: false });
  }, []);
  const ask = useCallback(async () => {
    try {
      take(await readSession());
    } catch (error) {
      const problem = error as Refusal;
      if (problem.status === 401) setState({ kind: 'nobody', isFirst: problem.code === 'FIRST_ADMINISTRATOR_NEEDED' });
      else setState({ kind: 'away', problem });
    }
  }, [take]);
  useEffect(() => {
    whenSessionChanges({
      ended: () => {
        useSession(undefined);
        setState((before) => (before.kind === 'signed' ? { ...before, hasEnded: true } : before));
      },
      other: take,
    });
    void ask();
  }, [ask, take]);
  useEffect(() => {
    if (state.kind !== 'away') return undefined;
    const timer = setTimeout(() => void ask(), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [state, ask]);
  const hasEnded = state.kind === 'signed' && state.hasEnded;
  useEffect(() => {
    if (!hasEnded) return undefined;
    // Whoever signs in again in another tab need not do it here too.
    const timer = setInterval(() => document.hidden || readSession().then(take, () => undefined), AGAIN_MS);
    return () => clearInterval(timer);
  }, [hasEnded, take]);
  useEffect(() => {
    document.documentElement.lang = words.language;
  }, [words]);
  const changeLanguage = (): void => setWords(chooseWords(words.otherLanguage.code));
  const leave = (): void => {
    useSession(undefined);
    setState({ kind: 'nobody', isFirst: false });
  };
  return (
    <WordsContext.Provider value={words}>
      {state.kind === 'signed' ? (
        <>
          <SignedPage
            key={state.session.user}
            session={state.session}
            isHidden={state.hasEnded}
            onLanguage={changeLanguage}
            onSignedOut={leave}
          />
          {state.hasEnded ? <SignInAgain user={state.session.user} onSigned={take} onLeave={leave} /> : null}
        </>
      ) : (
        <Frame onLanguage={changeLanguage}>
          {state.kind === 'away' ? <Problem problem={state.problem} /> : null}
          {state.kind === 'asking' ? <p class="quiet">{words.common.loading}</p> : null}
          {state.kind === 'nobody' && !state.isFirst ? <SignInPage onSigned={take} /> : null}
          {state.kind === 'nobody' && state.isFirst ? <FirstAdministratorPage onSigned={take} /> : null}
        </Frame>
      )}
    </WordsContext.Provider>
  );
}

function SignedPage({
  session,
  isHidden,
  onLanguage,
  onSignedOut,
}: {
  readonly session: Session;
  /** Nobody may read it now. */
  readonly isHidden: boolean;
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
        <div hidden={isHidden}>
          <Routing address={address} key={place} />
        </div>
      </Frame>
    </SignedContext.Provider>
  );
}
