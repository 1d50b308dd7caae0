export const rooms: {
  room: string;
  path: string;
  knows: string[];
  pure: boolean;
  npm?: string[];
  why: string;
}[];
