"""Azul written a second time, plainly, from the text of the rules: tiles in lists, no tricks.

It shares nothing with the engine, so that a mistake in one is not a mistake in the other. The
refill is told to it (which tiles lie on which factory) and checked against its own bag and lid.
"""

from collections import Counter

FLOOR = 5
PENALTIES = [1, 1, 2, 2, 2, 3, 3]


class Board:
    def __init__(self):
        self.score = 0
        self.lines = [[] for _ in range(5)]
        self.wall = [[None] * 5 for _ in range(5)]
        self.floor = []  # colours, and "marker"

    def accepts(self, colour, row):
        line = self.lines[row]
        if len(line) == row + 1 or colour in self.wall[row]:
            return False
        return not line or line[0] == colour

    def tile(self, lid):
        """Wall tiling: returns the points of this round, floor penalty included."""
        points = 0
        for row in range(5):
            line = self.lines[row]
            if len(line) < row + 1:
                continue
            colour = line[0]
            column = (colour + row) % 5
            self.wall[row][column] = colour
            points += self.points_at(row, column)
            lid.extend(line[1:])
            self.lines[row] = []
        for slot in range(len(self.floor)):
            points -= PENALTIES[slot]
        lid.extend(tile for tile in self.floor if tile != "marker")
        self.floor = []
        return points

    def points_at(self, row, column):
        across = self.neighbours(row, column, 0, 1) + self.neighbours(row, column, 0, -1) + 1
        down = self.neighbours(row, column, 1, 0) + self.neighbours(row, column, -1, 0) + 1
        if across == 1 and down == 1:
            return 1
        return (across if across > 1 else 0) + (down if down > 1 else 0)

    def neighbours(self, row, column, step_down, step_right):
        count = 0
        row, column = row + step_down, column + step_right
        while 0 <= row < 5 and 0 <= column < 5 and self.wall[row][column] is not None:
            count += 1
            row, column = row + step_down, column + step_right
        return count

    def complete_rows(self):
        return sum(None not in row for row in self.wall)

    def bonus(self):
        columns = sum(all(row[column] is not None for row in self.wall) for column in range(5))
        colours = sum(all(colour in row for row in self.wall) for colour in range(5))
        return 2 * self.complete_rows() + 7 * columns + 10 * colours


class Game:
    def __init__(self, players):
        self.players = players
        self.boards = [Board() for _ in range(players)]
        self.bag = [colour for colour in range(5) for _ in range(20)]
        self.lid = []
        self.mover = self.starter = 0
        self.round = 0
        self.over = False

    def deal(self, factories):
        """Begin a round with these tiles (lists of colours), drawn from the bag, then the lid."""
        wanted = Counter(tile for factory in factories for tile in factory)
        assert sum(wanted.values()) == min(4 * len(factories), len(self.bag) + len(self.lid))
        if wanted.total() > len(self.bag):
            assert not Counter(self.bag) - wanted, "the bag is emptied before the lid is poured"
            wanted -= Counter(self.bag)
            self.bag, self.lid = self.lid, []
        assert not wanted - Counter(self.bag), "tiles that were not there"
        self.bag = list((Counter(self.bag) - wanted).elements())
        self.factories = [list(factory) for factory in factories]
        self.centre = []
        self.marker_in_centre = True
        self.mover = self.starter
        self.round += 1
        if not any(factories):
            self.finish()

    def legal(self):
        moves = []
        for source, tiles in enumerate([*self.factories, self.centre]):
            for colour in sorted(set(tiles)):
                accepting = [row for row in range(5) if self.board.accepts(colour, row)]
                moves += [(source, colour, row) for row in [*accepting, FLOOR]]
        return moves

    @property
    def board(self):
        return self.boards[self.mover]

    def play(self, source, colour, row):
        board = self.board
        if source == len(self.factories):
            taken = [tile for tile in self.centre if tile == colour]
            self.centre = [tile for tile in self.centre if tile != colour]
            if self.marker_in_centre:
                self.marker_in_centre = False
                self.starter = self.mover
                self.drop(board, "marker")
        else:
            taken = [tile for tile in self.factories[source] if tile == colour]
            self.centre += [tile for tile in self.factories[source] if tile != colour]
            self.factories[source] = []
        for tile in taken:
            if row != FLOOR and len(board.lines[row]) < row + 1:
                board.lines[row].append(tile)
            else:
                self.drop(board, tile)
        self.mover = (self.mover + 1) % self.players
        if not self.centre and not any(self.factories):
            self.end_round()

    def drop(self, board, thing):
        if len(board.floor) < 7:
            board.floor.append(thing)
        elif thing != "marker":
            self.lid.append(thing)

    def end_round(self):
        for board in self.boards:
            board.score = max(0, board.score + board.tile(self.lid))
        self.mover = self.starter
        if any(board.complete_rows() for board in self.boards):
            self.finish()

    def finish(self):
        self.over = True
        for board in self.boards:
            board.score += board.bonus()

    def winners(self):
        ranks = [(board.score, board.complete_rows()) for board in self.boards]
        return [seat for seat, rank in enumerate(ranks) if rank == max(ranks)]
