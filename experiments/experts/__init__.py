"""Experts for three MuJoCo tasks: lean PPO trains them, a gate admits them, and their decisions become regression data.

Run ``python -m experiments.experts reacher`` (or ``swimmer``, ``hopper``); it needs
``pip install 'gymnasium[mujoco]'``.
"""
