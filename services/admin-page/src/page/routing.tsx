import type { Address } from './parts/address.ts';
import { BounceProfileForm, BounceProfilesPage } from './pages/bounce-profiles.tsx';
import { ChangePage } from './pages/change.tsx';
import { ChangesPage } from './pages/changes.tsx';
import { CommitPage } from './pages/commit.tsx';
import { DestinationControlForm, DestinationControlsPage } from './pages/destination-controls.tsx';
import { DestinationPage } from './pages/destination.tsx';
import { DiffPage } from './pages/diff.tsx';
import { ExportPage } from './pages/export.tsx';
import { FlowPoliciesPage, FlowPolicyForm } from './pages/flow-policies.tsx';
import { HostAccessForm, HostAccessPage } from './pages/host-access.tsx';
import { ImportPage } from './pages/import.tsx';
import { MessagePage } from './pages/message.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { PasswordPage } from './pages/password.tsx';
import { QueuePage } from './pages/queue.tsx';
import { RecipientAccessForm, RecipientAccessPage } from './pages/recipient-access.tsx';
import { RoutePage } from './pages/route.tsx';
import { RoutesPage } from './pages/routes.tsx';
import { SetupPage } from './pages/setup.tsx';
import { TrackingPage } from './pages/tracking.tsx';

/** The page of an address; what is unknown is the overview. */
export function Routing({ address: { path, query } }: { readonly address: Address }) {
  const [area, page, ...rest] = path;
  const editing = rest[0] === 'edit' ? rest[1] : undefined;
  const isForm = rest[0] === 'add' || editing !== undefined;
  switch (`${area}/${page}`) {
    case 'network/smtp-routes':
      if (isForm) return <RoutePage editing={editing} />;
      if (rest[0] === 'export') return <ExportPage />;
      if (rest[0] === 'import') return <ImportPage />;
      return <RoutesPage query={query} />;
    case 'network/bounce-profiles':
      return isForm ? <BounceProfileForm editing={editing} /> : <BounceProfilesPage query={query} />;
    case 'mail-policies/rat':
      return isForm ? <RecipientAccessForm editing={editing} /> : <RecipientAccessPage query={query} />;
    case 'mail-policies/destination-controls':
      return isForm ? <DestinationControlForm editing={editing} /> : <DestinationControlsPage query={query} />;
    case 'mail-policies/hat':
      return isForm ? <HostAccessForm editing={editing} query={query} /> : <HostAccessPage query={query} />;
    case 'mail-policies/flow-policies':
      return isForm ? <FlowPolicyForm editing={editing} /> : <FlowPoliciesPage query={query} />;
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
