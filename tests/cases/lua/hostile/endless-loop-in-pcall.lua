-- expect: R422 4-8
function InterpretHealth(observedObj)
  local caught = 0
  while true do
    pcall(function()
      while true do end
    end)
    caught = caught + 1
  end
end
