"""Recurrent cells by name: what a layer of the acoustic model may be. A new cell is a module and a line here."""

from speech_lstm.acoustic.cells.cell import Cell
from speech_lstm.acoustic.cells.gru import GruCell
from speech_lstm.acoustic.cells.lstm import LstmCell
from speech_lstm.acoustic.cells.lstm_attention import AttentionLstmCell
from speech_lstm.acoustic.cells.lstm_coupled import CoupledLstmCell
from speech_lstm.acoustic.cells.lstm_projected import ProjectedLstmCell
from speech_lstm.acoustic.cells.mlstm import MlstmCell
from speech_lstm.acoustic.cells.rnn import RnnCell
from speech_lstm.acoustic.cells.slstm import SlstmCell
from speech_lstm.acoustic.cells.xlstm import XlstmCell

CELLS: dict[str, type[Cell]] = {
    "gru": GruCell,
    "lstm": LstmCell,
    "lstm_attention": AttentionLstmCell,
    "lstm_coupled": CoupledLstmCell,
    "lstm_projected": ProjectedLstmCell,
    "mlstm": MlstmCell,
    "rnn": RnnCell,
    "slstm": SlstmCell,
    "xlstm": XlstmCell,
}

__all__ = ["CELLS", "Cell", "GruCell", "LstmCell"]
