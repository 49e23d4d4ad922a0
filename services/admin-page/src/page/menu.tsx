import type { PendingCount } from './api/values.ts';
import { addressOf, useAddress } from './parts/address.ts';
import { useWords } from './words/words.ts';

/** The menu in AsyncOS' shape: areas, the pages of the open one below, and what is pending at the right. */
export function Menu({ pending }: { readonly pending: PendingCount | undefined }) {
  const { menu } = useWords();
  const { path } = useAddress();
  const areas = [
    {
      name: 'monitor',
      title: menu.monitor,
      pages: [
        { name: 'overview', title: menu.overview },
        { name: 'queue', title: menu.queue },
        { name: 'tracking', title: menu.tracking },
      ],
    },
    {
      name: 'mail-policies',
      title: menu.mailPolicies,
      pages: [
        { name: 'hat', title: menu.hat },
        { name: 'flow-policies', title: menu.flows },
        { name: 'rat', title: menu.rat },
        { name: 'destination-controls', title: menu.controls },
      ],
    },
    {
      name: 'network',
      title: menu.network,
      pages: [
        { name: 'smtp-routes', title: menu.routes },
        { name: 'bounce-profiles', title: menu.bounceProfiles },
      ],
    },
    {
      name: 'system',
      title: menu.system,
      pages: [
        { name: 'changes', title: menu.changes },
        { name: 'setup', title: menu.setup },
        { name: 'password', title: menu.password },
      ],
    },
  ];
  const area = areas.find(({ name }) => name === path[0]) ?? areas[0]!;
  const page = path[1] ?? 'overview';
  const count = pending?.count ?? 0;
  return (
    <nav class="menu" aria-label={menu.label}>
      <ul class="areas">
        {areas.map(({ name, title, pages }) => (
          <li key={name}>
            <a href={addressOf([name, pages[0]!.name])} {...(name === area.name ? { 'aria-current': 'true' } : {})}>
              {title}
            </a>
          </li>
        ))}
        <li class="commit">
          <a href={addressOf(['system', 'commit'])} class={count > 0 ? 'button pending' : 'button'}>
            {count > 0 ? (
              <>
                {menu.commit}{' '}
                <span class="badge">
                  <span aria-hidden="true">{count}</span>
                  <span class="unseen">{menu.pendingCount(count)}</span>
                </span>
              </>
            ) : (
              menu.nothingPending
            )}
          </a>
        </li>
      </ul>
      <ul class="pages">
        {area.pages.map(({ name, title }) => (
          <li key={name}>
            <a href={addressOf([area.name, name])} {...(name === page ? { 'aria-current': 'page' } : {})}>
              {title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
