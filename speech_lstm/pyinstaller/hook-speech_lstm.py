"""Run by PyInstaller when a program imports speech_lstm: the models and dictionaries are files, not imports."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules, copy_metadata

datas = collect_data_files("speech_lstm") + copy_metadata("speech_lstm", recursive=True)
hiddenimports = collect_submodules("speech_lstm.runtime")
