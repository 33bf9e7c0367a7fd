// The callback of the original framework's GitHub bot, made again from its public description:
// Express, Sequelize on SQLite, a state that is "chat:bot", one request to GitHub, no PKCE, no seal.
// As there, the page does not wait until the row is written.
//
//     PORT=... GITHUB=... CLIENT_ID=... CLIENT_SECRET=... DATABASE=file.sqlite node server.js

const axios = require('axios')
const express = require('express')
const { DataTypes, Sequelize } = require('sequelize')

const { PORT, GITHUB, CLIENT_ID, CLIENT_SECRET, DATABASE } = process.env
const sequelize = new Sequelize({ dialect: 'sqlite', storage: DATABASE, logging: false })
const Service = sequelize.define('service', {
  name: { type: DataTypes.STRING },
  botId: { type: DataTypes.STRING },
  groupId: { type: DataTypes.STRING },
  userId: { type: DataTypes.STRING },
  data: { type: DataTypes.JSON }
})

const saved = error => error && console.error(error)

const app = express()
app.get('/health', (request, response) => response.send('ok'))
app.get('/github/oauth', async (request, response) => {
  const { code, state } = request.query
  const [groupId, botId] = state.split(':')
  const form = new URLSearchParams({
    client_id: CLIENT_ID,
    client_secret: CLIENT_SECRET,
    code,
    redirect_uri: `http://127.0.0.1:${PORT}/github/oauth`,
    state
  })
  const answer = await axios.post(`${GITHUB}/login/oauth/access_token`, form)
  const accessToken = answer.data.split('&')[0].split('=')[1]
  const owner = { name: 'GitHub', groupId, botId }
  const service = await Service.findOne({ where: owner })
  if (service) {
    service.update({ data: { accessToken } }).catch(saved)
  } else {
    Service.create({ ...owner, data: { accessToken } }).catch(saved)
  }
  response.send('Please close this page')
})

sequelize.sync().then(() => app.listen(Number(PORT), '127.0.0.1'))
