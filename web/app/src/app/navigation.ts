// The pages that the rail, the palette and the keys lead to.
import {
  Activity,
  Building2,
  GraduationCap,
  type LucideIcon,
  MessagesSquare,
  Newspaper,
  SatelliteDish,
  Users,
} from 'lucide-react';
import type { Audience } from '../lib/session';

export interface Place {
  to: '/customers' | '/students' | '/users' | '/posts' | '/chats' | '/signals' | '/operations';
  label: string;
  icon: LucideIcon;
  audience: Audience;
  /** After `g`. */
  key: string;
  /** Stands in the bottom navigation of phones; the others are behind "More". */
  isFirst?: boolean;
}

export const places: readonly Place[] = [
  {
    to: '/chats',
    label: 'Chats',
    icon: MessagesSquare,
    audience: 'member',
    key: 'm',
    isFirst: true,
  },
  { to: '/posts', label: 'Posts', icon: Newspaper, audience: 'member', key: 'p', isFirst: true },
  { to: '/signals', label: 'Signals', icon: SatelliteDish, audience: 'member', key: 'i' },
  {
    to: '/customers',
    label: 'Customers',
    icon: Building2,
    audience: 'staff',
    key: 'c',
    isFirst: true,
  },
  { to: '/students', label: 'Students', icon: GraduationCap, audience: 'staff', key: 's' },
  { to: '/users', label: 'Users', icon: Users, audience: 'member', key: 'u', isFirst: true },
  { to: '/operations', label: 'Operations', icon: Activity, audience: 'admin', key: 'o' },
];
