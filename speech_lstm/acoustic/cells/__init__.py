"""Recurrent cells by name: what a layer of the acoustic model may be. A new cell is a module and a line here."""

from speech_lstm.acoustic.cells.cell import Cell
from speech_lstm.acoustic.cells.gru import GruCell
from speech_lstm.acoustic.cells.lstm import LstmCell

CELLS: dict[str, type[Cell]] = {"gru": GruCell, "lstm": LstmCell}

__all__ = ["CELLS", "Cell", "GruCell", "LstmCell"]
