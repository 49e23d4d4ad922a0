import type { Address } from './parts/address.ts';
import { ChangePage } from './pages/change.tsx';
import { ChangesPage } from './pages/changes.tsx';
import { CommitPage } from './pages/commit.tsx';
import { DestinationPage } from './pages/destination.tsx';
import { DiffPage } from './pages/diff.tsx';
import { ExportPage } from './pages/export.tsx';
import { ImportPage } from './pages/import.tsx';
import { MessagePage } from './pages/message.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { PasswordPage } from './pages/password.tsx';
import { QueuePage } from './pages/queue.tsx';
import { RoutePage } from './pages/route.tsx';
import { RoutesPage } from './pages/routes.tsx';
import { SetupPage } from './pages/setup.tsx';
import { TrackingPage } from './pages/tracking.tsx';

/** The page of an address; what is unknown is the overview. */
export function Routing({ address: { path, query } }: { readonly address: Address }) {
  const [area, page, ...rest] = path;
  switch (`${area}/${page}`) {
    case 'network/smtp-routes':
      if (rest[0] === 'add') return <RoutePage editing={undefined} />;
      if (rest[0] === 'edit' && rest[1] !== undefined) return <RoutePage editing={rest[1]} />;
      if (rest[0] === 'export') return <ExportPage />;
      if (rest[0] === 'import') return <ImportPage />;
      return <RoutesPage query={query} />;
    case 'monitor/queue':
      return rest[0] === undefined ? <QueuePage query={query} /> : <DestinationPage destination={rest[0]} />;
    case 'monitor/tracking':
      return rest[0] === undefined ? <TrackingPage query={query} /> : <MessagePage message={rest[0]} query={query} />;
    case 'system/commit':
      return <CommitPage />;
    case 'system/changes':
      if (rest[0] === 'diff') return <DiffPage query={query} />;
      return rest[0] === undefined ? <ChangesPage /> : <ChangePage version={Number(rest[0])} />;
    case 'system/setup':
      return <SetupPage />;
    case 'system/password':
      return <PasswordPage />;
    default:
      return <OverviewPage />;
  }
}
